/* SPDX-License-Identifier: MIT */
/*
 * A console for small kernels.
 *
 * What was written is in the ring and no more the kernel's business: it may end
 * at once, and the backend still reads it.
 */
#include "pv-frontends/mini/con.h"

void mini_con_offer(struct mini_con *m, struct pv_con_dir *dir, void *pages,
		    const uint32_t *refs, uint16_t nr_out, uint16_t nr_in)
{
	unsigned int nr = PV_CON_RING_PAGES + (unsigned int)nr_out + nr_in;

	for (unsigned int i = 0; i < nr; i++)
		dir->ref[i] = refs[i];
	m->shared = pages;
	m->broken = false;
	pvcon_front_init(&m->ring, dir, m->shared, nr_out, nr_in);
}

void mini_con_open(struct mini_con *m, bool is_open)
{
	PV_STORE(m->shared->front_state, is_open ? PV_CON_OPEN : 0);
	m->send(m);
}

uint32_t mini_con_window(const struct mini_con *m)
{
	return PV_LOAD(m->shared->window);
}

static int give_up(struct mini_con *m)
{
	m->broken = true;
	return MINI_CON_BROKEN;
}

int mini_con_write(struct mini_con *m, const void *text, size_t bytes)
{
	const unsigned char *from = text;

	while (bytes && !m->broken) {
		int room = pvcon_fill_room(&m->ring.out);
		uint32_t n = (uint32_t)room;

		if (room < 0)
			return give_up(m);
		if (n > bytes)
			n = (uint32_t)bytes;
		pvcon_fill_put(&m->ring.out, from, n);
		if (pvcon_fill_push(&m->ring.out))
			m->send(m);
		from += n;
		bytes -= n;
		if (!n && !pvcon_fill_wait(&m->ring.out))
			m->wait(m);
	}
	return m->broken ? MINI_CON_BROKEN : 0;
}

int mini_con_poll(struct mini_con *m, void *to, uint32_t room)
{
	int there;

	if (m->broken)
		return MINI_CON_BROKEN;
	while (!(there = pvcon_drain_there(&m->ring.in)))
		if (!pvcon_drain_sleep(&m->ring.in))
			return 0;
	if (there < 0)
		return give_up(m);
	if ((uint32_t)there > room)
		there = (int)room;
	pvcon_drain_copy(&m->ring.in, to, (uint32_t)there);
	pvcon_drain_done(&m->ring.in, (uint32_t)there);
	if (pvcon_drain_tell(&m->ring.in))
		m->send(m);
	return there;
}

int mini_con_read(struct mini_con *m, void *to, uint32_t room)
{
	int n;

	while (!(n = mini_con_poll(m, to, room)))
		m->wait(m);
	return n;
}
