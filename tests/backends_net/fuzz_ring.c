/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing a queue: a guest that writes anything into its rings and frames, at
 * any time, also while the backend copies.
 *
 * The input is a list of acts.  Whatever the guest does: no packet leaves that
 * the TAP's header does not describe rightly, every request that was taken is
 * answered once, and nothing outside of the rings and of good grants is
 * touched.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/backends/acts.h"
#include "tests/backends/fake_bus.h"
#include "tests/backends_net/device.h"
#include "tests/backends_net/packets.h"
#include "tests/lib/fuzz.h"

static const uint8_t *scribble;
static size_t scribble_bytes;

enum act {
	ACT_TX_PROD, /* any index */
	ACT_RX_PROD,
	ACT_RINGS, /* any bytes, anywhere in both pages */
	ACT_FRAME, /* any bytes, in a frame */
	ACT_TX, /* slots as they are here, and the index after them */
	ACT_POST, /* receive requests, good ones */
	ACT_NETWORK, /* a packet for the guest */
	ACT_PACKET, /* a right packet into a frame */
	ACT_RESUME, /* the backend is killed */
	ACT_MEANWHILE, /* bytes for the rings, during the next copies */
	ACTS,
};

static void write_rings(const uint8_t *data, size_t n)
{
	size_t at = n < 2 ? 0 : (size_t)(data[0] | data[1] << 8) % 8192;

	for (size_t i = 2; i < n; i++)
		((unsigned char *)device.tx)[(at + i) % 8192] = data[i];
}

static void meanwhile(void)
{
	write_rings(scribble, scribble_bytes);
}

static void send_slots(const uint8_t *data, size_t n)
{
	uint32_t prod = device.tx->req_prod;

	for (; n >= 12; data += 12, n -= 12)
		memcpy(device_tx(prod++), data, 12);
	device.tx->req_prod = prod;
}

static void post(unsigned int nr)
{
	uint32_t prod = device.rx->req_prod;

	while (nr-- && prod - device.rx->rsp_prod < NET_RING_SLOTS) {
		device_rx(prod)->req = (struct pv_netif_rx_request){
			.id = (uint16_t)prod, .gref = prod % DEVICE_FRAMES};
		prod++;
	}
	device.rx->req_prod = prod;
}

/* As the kernel would give it: a header that is right, a packet of others. */
static void from_network(const uint8_t *data, size_t n)
{
	unsigned char both[PACKET_ROOM + 10];
	struct virtio_net_hdr head = {0};
	struct net_headers h;
	uint32_t bytes;

	if (n < 4)
		return;
	bytes = packet_make(both + 10, data[0] % PACKET_KINDS,
			    (uint32_t)(data[1] | data[2] << 8) % 15000);
	if (data[3] & 1 && headers_find(both + 10, bytes, &h)) {
		head.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		head.csum_start = (uint16_t)h.l4;
		head.csum_offset = h.checksum;
	}
	if (data[3] & 2 && head.flags && h.protocol == 6) {
		head.gso_type = h.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
					       : VIRTIO_NET_HDR_GSO_TCPV6;
		head.gso_size = (uint16_t)(data[3] * 8 + 8);
	}
	for (size_t i = 4; i < n && i + 30 < bytes; i++)
		both[10 + 6 + i] ^= data[i];
	memcpy(both, &head, sizeof(head));
	if (send(device.net, both, 10 + bytes, MSG_DONTWAIT) < 0)
		return;
}

static void do_act(unsigned int what, const uint8_t *data, size_t n)
{
	uint32_t word = 0;

	memcpy(&word, data, n < 4 ? n : 4);
	switch (what) {
	case ACT_TX_PROD:
		device.tx->req_prod = word;
		break;
	case ACT_RX_PROD:
		device.rx->req_prod = word;
		break;
	case ACT_RINGS:
		write_rings(data, n);
		break;
	case ACT_FRAME:
		memcpy(device_frame(word % DEVICE_FRAMES), data, n);
		break;
	case ACT_TX:
		send_slots(data, n);
		break;
	case ACT_POST:
		post(word % 256);
		break;
	case ACT_NETWORK:
		from_network(data, n);
		break;
	case ACT_PACKET:
		if (n >= 4)
			packet_make(device_frame(word % 8),
				    data[1] % PACKET_KINDS, data[2]);
		break;
	case ACT_MEANWHILE:
		scribble = data;
		scribble_bytes = n;
		break;
	}
}

static void check_sent(void)
{
	static unsigned char p[70000];
	struct virtio_net_hdr head;
	size_t n;

	while ((n = device_sent(p, sizeof(p)))) {
		memcpy(&head, p, sizeof(head));
		fake_check(
			!packet_wrong(&head, (long)(n - sizeof(head)), 65535),
			"a packet's header\n");
	}
}

static void turn(void)
{
	device_run();
	check_sent();
	if (device.n->broken)
		return;
	fake_check(!ring_in_flight(&device.q->tx), "requests without answer\n");
	fake_check(!ring_in_flight(&device.q->rx), "buffers without answer\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct act_input in = {data, size};
	struct net_offers offers = {0};
	struct act_one act;

	scribble_bytes = 0;
	if (size) {
		offers = (struct net_offers){
			.sg = *data & 1,
			.csum4 = *data & 2,
			.csum6 = *data & 4,
			.gso4 = *data & 8,
			.gso6 = *data & 16,
		};
		in = (struct act_input){data + 1, size - 1};
	}
	device_start(&offers);
	fake_guest.meanwhile = meanwhile;
	while (!device.n->broken && acts_next(&in, &act)) {
		do_act(act.what % 16, act.data, act.n);
		if (act.what & 16)
			turn();
		/* Its own indices are not what it left: another guest. */
		if (act.what % 16 == ACT_RESUME && !device.n->broken &&
		    device.tx->rsp_prod == device.q->tx.log->rsp_prod &&
		    device.rx->rsp_prod == device.q->rx.log->rsp_prod)
			device_resume();
	}
	if (!device.n->broken)
		turn();
	device_stop();
	return 0;
}

/* ---- good inputs ------------------------------------------------------------------ */

static size_t put_slots(uint8_t *out)
{
	union pv_netif_tx_slot s[3] = {
		{.req = {.size = 66 + 4000, .id = 1, .flags = 0xd}},
		{.extra = {.type = 1, .u.gso = {.size = 500, .type = 1}}},
		{.req = {.gref = 1, .size = 4000, .id = 2}},
	};

	return acts_put(out, ACT_TX + 16, s, sizeof(s));
}

size_t fuzz_seed(unsigned i, uint8_t *out, size_t room)
{
	static const uint8_t post_all[] = {255, 0, 0, 0};
	uint8_t network[] = {0, 0x20, 0x20, 3};
	uint8_t packet[] = {0, 0, 10, 0};
	struct pv_netif_tx_request req = {.size = 64, .id = 9, .flags = 1};
	size_t at = 1;

	(void)room;
	out[0] = i & 1 ? 31 : 0;
	switch (i) {
	case 0:
	case 1:
		at += acts_put(out + at, ACT_POST, post_all, 4);
		for (; network[0] < PACKET_KINDS; network[0]++)
			at += acts_put(out + at, ACT_NETWORK + 16, network, 4);
		return at;
	case 2:
	case 3:
		for (; packet[1] < PACKET_KINDS; packet[1]++) {
			at += acts_put(out + at, ACT_PACKET, packet, 4);
			at += acts_put(out + at, ACT_TX + 16, &req,
				       sizeof(req));
		}
		return at;
	case 4:
	case 5:
		at += acts_put(out + at, ACT_PACKET, packet, 4);
		for (int k = 0; k < 100; k++)
			at += put_slots(out + at);
		at += acts_put(out + at, ACT_RESUME + 16, "", 0);
		return at + put_slots(out + at);
	case 6:
		at += acts_put(out + at, ACT_MEANWHILE, "\0\0\x10\x20\x30\x40",
			       6);
		return at + put_slots(out + at);
	case 7:
		return at +
		       acts_put(out + at, ACT_TX_PROD + 16, "\x01\x02\x03", 3);
	default:
		return 0;
	}
}
