/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing a queue of the own ring: a guest that writes anything into its ring,
 * at any time.
 *
 * The input is a list of acts.  Whatever the guest does: no packet leaves that
 * the TAP's header does not describe rightly, nothing behind the areas is
 * written or sent, and a backend that is not told lies goes on.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pv-backends/pvnet/queue.h"
#include "tests/backends/acts.h"
#include "tests/backends/fake_bus.h"
#include "tests/backends_net/packets.h"
#include "tests/lib/fuzz.h"

enum {
	PAGES = PV_NET_AREA_MIN,
	AREA = PAGES * PV_PAGE_SIZE,
	CANARY = 1024, /* bytes behind the areas */
	CANARY_BYTE = 0xa7,
};

enum act {
	ACT_INDEX, /* any value for one of the guest's */
	ACT_RING, /* any bytes, anywhere in the ring's pages */
	ACT_PACKET, /* an entry as it is here, and the index after it */
	ACT_SEND, /* an honest packet */
	ACT_TAKE, /* all that came, honestly */
	ACT_NETWORK, /* a packet for the guest */
	ACT_RESUME, /* the backend is killed */
	ACTS,
};

static struct {
	struct pv_net_ring ring;
	unsigned char tx[AREA], rx[AREA], canary[CANARY];
} * memory;

static struct net net;
static struct pvnet pv;
static struct xb xb;
static struct pvnet_front guest;
static struct pvnet_queue *const q = &pv.queue[0];
static int other_end;

/* ---- one queue -------------------------------------------------------------------- */

static void attach(void)
{
	if (!pvnet_back_attach(&q->ring, &memory->ring, PAGES, PAGES))
		net.broken = true;
	q->starved = false;
}

static void start(void)
{
	int pair[2];

	memory = calloc(1, sizeof(*memory));
	fake_check(memory != NULL, "memory\n");
	memset(memory->canary, CANARY_BYTE, CANARY);
	memset(&net, 0, sizeof(net));
	memset(&pv, 0, sizeof(pv));
	fake_check(
		!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		"sockets\n");
	other_end = pair[1];
	xb.loop = ev_loop_new(EVFLAG_NOENV);
	net.xb = &xb;
	net.pv = &pv;
	net.nr_queues = 1;
	net.tap.fd[0] = pair[0];
	q->n = &net;
	q->tx_area = memory->tx;
	q->rx_area = memory->rx;
	ev_init(&q->tap, NULL);
	ev_io_set(&q->tap, pair[0], EV_READ);
	pvnet_front_init(&guest, &memory->ring, PAGES, PAGES);
	attach();
}

static void stop(void)
{
	ev_io_stop(xb.loop, &q->tap);
	ev_loop_destroy(xb.loop);
	close(net.tap.fd[0]);
	close(other_end);
	free(memory);
}

/* ---- what is done ------------------------------------------------------------------- */

static void set_index(const uint8_t *data, size_t n)
{
	uint32_t word = 0;

	if (n < 2)
		return;
	memcpy(&word, data + 1, n - 1 < 4 ? n - 1 : 4);
	((uint32_t *)&memory->ring.front)[data[0] % 4] = word;
}

static void write_ring(const uint8_t *data, size_t n)
{
	size_t at = n < 2 ? 0 : (size_t)(data[0] | data[1] << 8);

	for (size_t i = 2; i < n; i++)
		((unsigned char *)&memory
			 ->ring)[(at + i) % sizeof(memory->ring)] = data[i];
}

static void send_entries(const uint8_t *data, size_t n)
{
	struct pv_net_packet *tx = memory->ring.tx;
	uint32_t *prod = &memory->ring.front.prod;

	for (; n >= sizeof(*tx); data += sizeof(*tx), n -= sizeof(*tx)) {
		memcpy(&tx[*prod % PV_NET_SLOTS], data, sizeof(*tx));
		++*prod;
	}
}

static void send_honestly(const uint8_t *data, size_t n)
{
	struct pv_net_packet p = {.bytes = 14};

	if (n >= 2)
		p.bytes += (uint32_t)(data[0] | data[1] << 8);
	if (pvnet_fill_room(&guest.tx, p.bytes, &p.at) != PVNET_ONE)
		return;
	memset(memory->tx + p.at, 0, p.bytes);
	pvnet_fill_put(&guest.tx, &p);
	pvnet_fill_push(&guest.tx);
}

static void take_honestly(void)
{
	struct pv_net_packet p;

	while (pvnet_drain_look(&guest.rx, &p) == PVNET_ONE)
		pvnet_drain_done(&guest.rx);
	pvnet_drain_tell(&guest.rx);
}

static void from_network(const uint8_t *data, size_t n)
{
	static unsigned char both[70000];
	struct virtio_net_hdr head = {0};
	size_t bytes = 14;

	if (n >= 2)
		bytes += (size_t)(data[0] | data[1] << 8);
	if (n > 2)
		memcpy(&head, data + 2,
		       n - 2 < sizeof(head) ? n - 2 : sizeof(head));
	memcpy(both, &head, sizeof(head));
	send(other_end, both, sizeof(head) + bytes, MSG_DONTWAIT);
}

static void do_act(unsigned int what, const uint8_t *data, size_t n)
{
	switch (what) {
	case ACT_INDEX:
		set_index(data, n);
		break;
	case ACT_RING:
		write_ring(data, n);
		break;
	case ACT_PACKET:
		send_entries(data, n);
		break;
	case ACT_SEND:
		send_honestly(data, n);
		break;
	case ACT_TAKE:
		take_honestly();
		break;
	case ACT_NETWORK:
		from_network(data, n);
		break;
	case ACT_RESUME:
		attach();
		break;
	}
}

static void check_sent(void)
{
	static unsigned char p[70000];
	struct virtio_net_hdr head;
	ssize_t n;

	while ((n = recv(other_end, p, sizeof(p), MSG_DONTWAIT)) > 0) {
		memcpy(&head, p, sizeof(head));
		fake_check(!packet_wrong(&head, n - (ssize_t)sizeof(head),
					 PV_NET_PACKET_MAX),
			   "a packet's header\n");
	}
}

static void turn(void)
{
	while (!net.broken && queue_send(q))
		;
	check_sent();
	q->ready = true;
	if (!net.broken)
		queue_receive(q);
}

static void check_canary(void)
{
	for (size_t i = 0; i < CANARY; i++)
		fake_check(memory->canary[i] == CANARY_BYTE,
			   "behind the area\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct act_input in = {data, size};
	struct act_one act;

	start();
	while (!net.broken && acts_next(&in, &act)) {
		do_act(act.what % 8, act.data, act.n);
		if (act.what & 16 && !net.broken)
			turn();
	}
	if (!net.broken)
		turn();
	check_canary();
	stop();
	return 0;
}

/* ---- good inputs ------------------------------------------------------------------ */

size_t fuzz_seed(unsigned i, uint8_t *out, size_t room)
{
	const struct pv_net_packet large = {
		.bytes = 60000,
		.flags = PV_NET_CSUM_OPEN,
		.gso = PV_NET_GSO_TCPV4,
		.gso_size = 1448,
		.csum_start = 34,
		.csum_offset = 16,
	};
	size_t at = 0;

	(void)room;
	switch (i) {
	case 0:
		for (int k = 0; k < 300; k++)
			at += acts_put(out + at,
				       k % 7 ? ACT_SEND : ACT_SEND + 16,
				       "\x40\x00", 2);
		return at;
	case 1:
		for (int k = 0; k < 40; k++) {
			at += acts_put(out + at, ACT_NETWORK + 16,
				       k % 3 ? "\x00\x05" : "\x00\xf0", 2);
			if (k % 4 == 0)
				at += acts_put(out + at, ACT_TAKE, "", 0);
		}
		return at;
	case 2:
		for (int k = 0; k < 30; k++)
			at += acts_put(out + at, ACT_PACKET + 16, &large,
				       sizeof(large));
		return at;
	case 3:
		at += acts_put(out + at, ACT_NETWORK + 16,
			       "\x00\x20\x01\x01\x00\x00\xa8\x05\x22\x00\x10",
			       12);
		at += acts_put(out + at, ACT_RESUME, "", 0);
		at += acts_put(out + at, ACT_NETWORK + 16, "\x00\x20", 2);
		return at + acts_put(out + at, ACT_TAKE + 16, "", 0);
	case 4:
		at += acts_put(out + at, ACT_INDEX + 16, "\x00\x01\x00\x00\x00",
			       5);
		return at +
		       acts_put(out + at, ACT_RING + 16, "\x00\x10\xff", 3);
	default:
		return 0;
	}
}
