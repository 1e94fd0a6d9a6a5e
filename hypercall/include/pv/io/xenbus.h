/* SPDX-License-Identifier: MIT */
/*
 * The state of one end of a device, as the store holds it in decimal.
 */
#ifndef PV_IO_XENBUS_H
#define PV_IO_XENBUS_H

#define XenbusStateUnknown       0
#define XenbusStateInitialising  1
#define XenbusStateInitWait      2
#define XenbusStateInitialised   3
#define XenbusStateConnected     4
#define XenbusStateClosing       5
#define XenbusStateClosed        6
#define XenbusStateReconfiguring 7
#define XenbusStateReconfigured  8

#endif /* PV_IO_XENBUS_H */
