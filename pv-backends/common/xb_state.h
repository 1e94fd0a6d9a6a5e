/* SPDX-License-Identifier: MIT */
/* What a backend does next, given the states of both ends. */
#ifndef PV_BACKENDS_COMMON_XB_STATE_H
#define PV_BACKENDS_COMMON_XB_STATE_H

#include <stdbool.h>

struct xb_view {
	int own, front; /* XenbusState*                                   */
	bool gone; /* the backend's nodes were removed                    */
	bool online; /* the toolstack wants the device to stay            */
	bool published; /* this process has said what it can do           */
	bool attached; /* this process serves the rings                   */
	bool resumable; /* the journal is of this very connection         */
};

enum xb_action {
	XB_NONE,
	XB_PUBLISH, /* let go of rings, say what we can, InitWait         */
	XB_ATTACH, /* map the rings; Connected                            */
	XB_RESUME, /* map the rings as a predecessor left them            */
	XB_CLOSING, /* say Closing, and serve on until the frontend ends  */
	XB_CLOSED, /* let go of the rings; Closed                         */
	XB_END, /* let go of everything                                   */
};

enum xb_action xb_next(const struct xb_view *v);

#endif
