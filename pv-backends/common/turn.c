/* SPDX-License-Identifier: MIT */
/*
 * Work on own rings at the end of each turn of the loop.
 *
 * Going to sleep and being woken costs both ends more than a small request
 * does.  So before it sleeps the process looks for some time whether more comes,
 * if that would have been worth it lately (linger.c); until it has asked to be
 * told nobody sends it an event.
 *
 * A frontend that breaks the protocol loses its device at the end of the turn.
 */
#include "pv-backends/common/turn.h"

static void on_more(struct ev_loop *loop, struct ev_idle *w, int what)
{
	(void)loop;
	(void)w;
	(void)what;
}

static void on_end(struct ev_loop *loop, struct ev_prepare *p, int what)
{
	struct turn *t = p->data;
	enum turn_end end = t->ops->work(t->priv);

	(void)what;
	linger_begin(&t->linger);
	for (unsigned int looks = 0;
	     end == TURN_DONE && linger_goes_on(&t->linger); looks++) {
		if (!t->ops->is_busy(t->priv, looks))
			continue;
		linger_caught(&t->linger);
		end = t->ops->work(t->priv);
	}
	if (end == TURN_BROKEN) {
		xb_fatal(t->xb, "%s", t->xb->error); /* there is no turn now */
		return;
	}
	if (end == TURN_MORE ||
	    (end == TURN_DONE && !t->ops->must_sleep(t->priv))) {
		ev_idle_start(loop, &t->more);
		return;
	}
	ev_idle_stop(loop, &t->more);
	if (end == TURN_DONE) /* it sleeps for want of work */
		linger_sleeps(&t->linger);
}

static void on_woken(struct ev_loop *loop, struct ev_check *c, int what)
{
	struct turn *t = c->data;

	(void)loop;
	(void)what;
	linger_woken(&t->linger);
}

void turn_start(struct turn *t, struct xb *xb, const struct turn_ops *ops,
		void *priv)
{
	t->ops = ops;
	t->priv = priv;
	t->xb = xb;
	ev_idle_init(&t->more, on_more);
	ev_prepare_init(&t->end, on_end);
	t->end.data = t;
	ev_prepare_start(xb->loop, &t->end);
	ev_check_init(&t->woken, on_woken);
	t->woken.data = t;
	ev_check_start(xb->loop, &t->woken);
}

void turn_stop(struct turn *t)
{
	ev_idle_stop(t->xb->loop, &t->more);
	ev_prepare_stop(t->xb->loop, &t->end);
	ev_check_stop(t->xb->loop, &t->woken);
}
