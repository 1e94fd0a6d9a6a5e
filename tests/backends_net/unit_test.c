/* SPDX-License-Identifier: MIT */
/*
 * The parts of the network backend that decide, alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pv-backends/net/packet.h"
#include "pv-backends/pvnet/queue.h"
#include "tests/backends_net/packets.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct net_offers all = {
	.sg = true, .csum4 = true, .csum6 = true, .gso4 = true, .gso6 = true};

/* ---- slots to packets ---------------------------------------------------------------- */

enum {
	MORE = XEN_NETTXF_more_data,
	EXTRA = XEN_NETTXF_extra_info,
};

static union pv_netif_tx_slot data_slot(uint16_t id, uint16_t offset,
					uint16_t size, uint16_t flags)
{
	return (union pv_netif_tx_slot){
		.req = {.gref = 100u + id,
			.id = id,
			.offset = offset,
			.size = size,
			.flags = flags},
	};
}

static union pv_netif_tx_slot extra_slot(uint8_t type, uint8_t flags,
					 uint16_t size, uint8_t gso)
{
	return (union pv_netif_tx_slot){
		.extra = {.type = type,
			  .flags = flags,
			  .u.gso = {.size = size, .type = gso}},
	};
}

/* Feed slots until one ends the packet; what the last one returned. */
static int feed(struct net_tx *t, const union pv_netif_tx_slot *slot,
		unsigned int nr, const char **lie)
{
	int rc = NET_TX_MORE;

	tx_begin(t);
	for (unsigned int i = 0; i < nr && rc == NET_TX_MORE; i++)
		rc = tx_add(t, &slot[i], lie);
	return rc;
}

static void one_slot(void **state)
{
	const union pv_netif_tx_slot s = data_slot(7, 100, 60, 0);
	const char *lie = NULL;
	struct net_tx t;

	(void)state;
	assert_int_equal(feed(&t, &s, 1, &lie), NET_TX_DONE);
	assert_int_equal(t.nr_pieces, 1);
	assert_int_equal(t.piece[0].ref, 107);
	assert_int_equal(t.piece[0].offset, 100);
	assert_int_equal(t.piece[0].bytes, 60);
	assert_int_equal(tx_response(&t, 0, XEN_NETIF_RSP_OKAY).id, 7);
}

static void first_slot_has_the_rest(void **state)
{
	const union pv_netif_tx_slot s[] = {
		data_slot(1, 0, 5066, MORE | EXTRA),
		extra_slot(XEN_NETIF_EXTRA_TYPE_GSO, 0, 1448,
			   XEN_NETIF_GSO_TYPE_TCPV6),
		data_slot(2, 0, 4000, MORE),
		data_slot(3, 96, 1000, 0),
	};
	const char *lie = NULL;
	struct net_tx t;

	(void)state;
	assert_int_equal(feed(&t, s, COUNT(s), &lie), NET_TX_DONE);
	assert_int_equal(t.nr_pieces, 3);
	assert_int_equal(t.piece[0].bytes, 66);
	assert_int_equal(t.bytes, 5066);
	assert_int_equal(t.gso_type, XEN_NETIF_GSO_TYPE_TCPV6);
	assert_int_equal(t.gso_size, 1448);
	assert_int_equal(tx_response(&t, 1, 0).status, XEN_NETIF_RSP_NULL);
	assert_int_equal(tx_response(&t, 3, XEN_NETIF_RSP_ERROR).id, 3);
	assert_int_equal(tx_response(&t, 3, XEN_NETIF_RSP_ERROR).status,
			 XEN_NETIF_RSP_ERROR);
}

static void refusals(void **state)
{
	const struct {
		union pv_netif_tx_slot s[3];
		unsigned int nr;
	} c[] = {
		/* The size of 64 KiB and more has wrapped. */
		{{data_slot(1, 0, 100, MORE), data_slot(2, 0, 101, 0)}, 2},
		{{data_slot(1, 0, 13, 0)}, 1},
		{{data_slot(1, 0, 60, EXTRA),
		  extra_slot(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 0, 0, 0)},
		 2},
	};
	const char *lie = NULL;
	struct net_tx t;

	(void)state;
	for (size_t i = 0; i < COUNT(c); i++) {
		assert_int_equal(feed(&t, c[i].s, c[i].nr, &lie), NET_TX_DONE);
		assert_true(t.refused);
		assert_int_equal(t.nr_slots, c[i].nr);
		assert_int_equal(t.nr_pieces, 0);
	}
}

static void tx_lies(void **state)
{
	const struct {
		const char *lie;
		union pv_netif_tx_slot s[3];
		unsigned int nr;
	} c[] = {
		{"a piece of a packet crosses a page",
		 {data_slot(1, 4090, 60, 0)},
		 1},
		{"a piece of a packet crosses a page",
		 {data_slot(1, 0, 200, MORE), data_slot(2, 4000, 97, 0)},
		 2},
		{"extra information of unknown type",
		 {data_slot(1, 0, 60, EXTRA), extra_slot(0, 0, 0, 0)},
		 2},
		{"extra information of unknown type",
		 {data_slot(1, 0, 60, EXTRA), extra_slot(6, 0, 0, 0)},
		 2},
		{"a packet of unknown segmentation",
		 {data_slot(1, 0, 60, EXTRA), extra_slot(1, 0, 100, 3)},
		 2},
		{"a packet has segments of no size",
		 {data_slot(1, 0, 60, EXTRA), extra_slot(1, 0, 0, 1)},
		 2},
	};
	struct net_tx t;

	(void)state;
	for (size_t i = 0; i < COUNT(c); i++) {
		const char *lie = "";

		assert_int_equal(feed(&t, c[i].s, c[i].nr, &lie), -EPROTO);
		assert_string_equal(lie, c[i].lie);
	}
}

static void endless_chains(void **state)
{
	union pv_netif_tx_slot s[64];
	const char *lie = NULL;
	struct net_tx t;

	(void)state;
	for (unsigned int i = 0; i < COUNT(s); i++)
		s[i] = data_slot((uint16_t)i, 0, 10, MORE);
	assert_int_equal(feed(&t, s, COUNT(s), &lie), -EPROTO);
	assert_string_equal(lie, "a packet has too many slots");
	s[0].req.flags = EXTRA;
	for (unsigned int i = 1; i < COUNT(s); i++)
		s[i] = extra_slot(XEN_NETIF_EXTRA_TYPE_HASH,
				  XEN_NETIF_EXTRA_FLAG_MORE, 0, 0);
	assert_int_equal(feed(&t, s, COUNT(s), &lie), -EPROTO);
	assert_string_equal(lie, "a packet has too much extra information");
	/* As many as there may be, of both. */
	s[0].req.flags = EXTRA | MORE;
	s[0].req.size = 10 * NET_TX_PIECES;
	s[NET_TX_EXTRAS].extra.flags = 0;
	for (unsigned int i = NET_TX_EXTRAS + 1; i < NET_TX_SLOTS; i++)
		s[i] = data_slot((uint16_t)i, 0, 10,
				 i + 1 < NET_TX_SLOTS ? MORE : 0);
	assert_int_equal(feed(&t, s, COUNT(s), &lie), NET_TX_DONE);
	assert_int_equal(t.nr_pieces, NET_TX_PIECES);
	assert_false(t.refused);
}

/* ---- packets to slots ------------------------------------------------------------------ */

static void receive_slots(void **state)
{
	static const struct {
		uint32_t bytes;
		uint8_t gso;
		unsigned int slots;
	} c[] = {
		{60, 0, 1},   {4096, 0, 1},   {4097, 0, 2},   {9000, 1, 4},
		{1000, 2, 2}, {65549, 1, 18}, {65549, 0, 17},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(c); i++) {
		struct net_rx r = {.bytes = c[i].bytes,
				   .gso_type = c[i].gso,
				   .gso_size = 1448,
				   .flags = XEN_NETRXF_csum_blank};
		union pv_netif_rx_slot s[NET_RX_SLOTS];
		struct net_piece p[NET_RX_PIECES];
		uint32_t total = 0;
		unsigned int nr;

		for (uint16_t k = 0; k < NET_RX_SLOTS; k++)
			s[k].req = (struct pv_netif_rx_request){
				.id = k, .gref = 50u + k};
		assert_int_equal(rx_slots(&r), c[i].slots);
		nr = rx_fill(&r, s, p);
		assert_int_equal(nr, c[i].slots - !!c[i].gso);
		for (unsigned int k = 0, at = 0; k < nr; k++, at++) {
			if (at == 1 && c[i].gso) {
				assert_int_equal(s[1].extra.type, 1);
				assert_int_equal(s[1].extra.flags, 0);
				assert_int_equal(s[1].extra.u.gso.size, 1448);
				at++;
			}
			assert_int_equal(s[at].rsp.id, at);
			assert_int_equal(p[k].ref, 50 + at);
			assert_int_equal(s[at].rsp.status, p[k].bytes);
			assert_int_equal(
				!!(s[at].rsp.flags & XEN_NETRXF_more_data),
				k + 1 < nr);
			total += p[k].bytes;
		}
		assert_int_equal(total, c[i].bytes);
		assert_int_equal(!!(s[0].rsp.flags & XEN_NETRXF_extra_info),
				 !!c[i].gso);
		assert_true(s[0].rsp.flags & XEN_NETRXF_csum_blank);
	}
}

/* ---- headers and checksums ---------------------------------------------------------------- */

static void known_checksum(void **state)
{
	/* The example of RFC 1071. */
	static const unsigned char words[] = {0x00, 0x01, 0xf2, 0x03,
					      0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(checksum_add(0, words, 8), 0xddf2);
	assert_int_equal(checksum_of(0xffff), 0xffff);
	/* In two parts, and with an odd end. */
	assert_int_equal(checksum_add(checksum_add(0, words, 4), words + 4, 4),
			 0xddf2);
	assert_int_equal(checksum_add(0, words, 3), 0xf201);
}

static void headers_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < PACKET_KINDS; i++) {
		unsigned char p[PACKET_ROOM];
		uint32_t bytes = packet_make(p, i, 100);
		struct net_headers h;

		assert_int_equal(headers_find(p, bytes, &h),
				 packet_kinds[i].plain);
		if (!packet_kinds[i].plain)
			continue;
		assert_int_equal(h.end, bytes);
		assert_int_equal(h.payload, bytes - 100);
		assert_int_equal(h.protocol, packet_kinds[i].protocol);
		assert_int_equal(h.version, packet_kinds[i].version);
		assert_int_equal(h.tagged, packet_kinds[i].tags > 0);
	}
}

/* A packet that is cut anywhere is not taken, and nothing behind it read. */
static void cut_headers(void **state)
{
	(void)state;
	for (int i = 0; i < PACKET_KINDS; i++) {
		unsigned char p[PACKET_ROOM];
		uint32_t bytes = packet_make(p, i, 20);

		for (uint32_t n = 0; n < bytes; n++) {
			unsigned char *cut = malloc(n ? n : 1);
			struct net_headers h;

			memcpy(cut, p, n);
			assert_false(headers_find(cut, n, &h));
			free(cut);
		}
	}
}

/* ---- offloads ------------------------------------------------------------------------------ */

static void open_checksums_out(void **state)
{
	(void)state;
	for (int i = 0; i < PACKET_KINDS; i++) {
		unsigned char p[PACKET_ROOM];
		struct net_tx t = {.flags = XEN_NETTXF_csum_blank};
		struct virtio_net_hdr head;

		t.bytes = packet_make(p, i, 100);
		if (!packet_kinds[i].plain) {
			assert_int_equal(offload_tx(&t, p, &head), -EINVAL);
			continue;
		}
		packet_spoil_checksum(p, t.bytes);
		assert_int_equal(offload_tx(&t, p, &head), 0);
		assert_int_equal(head.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		/* What the kernel does with it. */
		store16(p + head.csum_start + head.csum_offset,
			checksum_of(checksum_add(0, p + head.csum_start,
						 t.bytes - head.csum_start)));
		assert_true(packet_checksum_right(p, t.bytes));
	}
}

static void segmentation_out(void **state)
{
	unsigned char p[PACKET_ROOM];
	struct net_tx t = {.gso_type = XEN_NETIF_GSO_TYPE_TCPV4,
			   .gso_size = 500};
	struct virtio_net_hdr head;

	(void)state;
	t.bytes = packet_make(p, PACKET_TCP4, 3000);
	assert_int_equal(offload_tx(&t, p, &head), 0);
	assert_int_equal(head.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(head.gso_size, 500);
	assert_int_equal(head.hdr_len, t.bytes - 3000);
	assert_int_equal(head.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	/* Of another protocol than it says. */
	t.bytes = packet_make(p, PACKET_TCP6, 3000);
	assert_int_equal(offload_tx(&t, p, &head), -EINVAL);
	t.bytes = packet_make(p, PACKET_UDP4, 3000);
	assert_int_equal(offload_tx(&t, p, &head), -EINVAL);
}

/* A TAP's header for a packet whose checksum is open. */
static struct virtio_net_hdr open_head(unsigned char *p, uint32_t bytes)
{
	struct net_headers h;

	assert_true(headers_find(p, bytes, &h));
	store16(p + h.l4 + h.checksum, checksum_pseudo(p, &h, bytes - h.l4));
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)h.l4,
		.csum_offset = h.checksum,
		.hdr_len = (uint16_t)h.payload,
	};
}

static void open_checksums_in(void **state)
{
	const struct net_offers none = {.sg = true};

	(void)state;
	for (int i = 0; i < PACKET_KINDS; i++) {
		unsigned char p[PACKET_ROOM];
		struct net_rx r = {.data = p};
		struct virtio_net_hdr head;

		if (!packet_kinds[i].plain)
			continue;
		r.bytes = packet_make(p, i, 101);
		head = open_head(p, r.bytes);
		assert_int_equal(offload_rx(&r, &head, &all), NET_RX_READY);
		/* Frontends do not look behind tags. */
		assert_int_equal(!!(r.flags & XEN_NETRXF_csum_blank),
				 !packet_kinds[i].tags);
		if (packet_kinds[i].tags)
			assert_true(packet_checksum_right(p, r.bytes));
		head = open_head(p, r.bytes);
		assert_int_equal(offload_rx(&r, &head, &none), NET_RX_READY);
		assert_int_equal(r.flags, 0);
		assert_true(packet_checksum_right(p, r.bytes));
	}
}

/* A checksum inside of a tunnel is not where a frontend looks. */
static void inner_checksums(void **state)
{
	unsigned char p[PACKET_ROOM];
	struct net_rx r = {.data = p};
	struct virtio_net_hdr head;
	uint16_t sum;

	(void)state;
	r.bytes = packet_make(p, PACKET_UDP4, 200);
	head = open_head(p, r.bytes);
	head.csum_start += 60;
	head.csum_offset = 6;
	store16(p + head.csum_start + 6, 0);
	sum = checksum_add(0, p + head.csum_start, r.bytes - head.csum_start);
	assert_int_equal(offload_rx(&r, &head, &all), NET_RX_READY);
	assert_int_equal(r.flags, 0);
	assert_int_equal(load16(p + head.csum_start + 6), checksum_of(sum));
	head.csum_start = (uint16_t)(r.bytes - 1);
	assert_int_equal(offload_rx(&r, &head, &all), NET_RX_DROP);
}

static void fates(void **state)
{
	struct net_offers o = all;
	unsigned char p[PACKET_ROOM];
	struct net_rx r = {.data = p};
	struct virtio_net_hdr head;

	(void)state;
	r.bytes = packet_make(p, PACKET_TCP4, 5000);
	head = open_head(p, r.bytes);
	head.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
	head.gso_size = 1000;
	assert_int_equal(offload_rx(&r, &head, &o), NET_RX_READY);
	assert_int_equal(r.gso_type, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(r.gso_size, 1000);
	o.gso4 = false;
	assert_int_equal(offload_rx(&r, &head, &o), NET_RX_SEGMENT);
	o = all;
	o.sg = false;
	assert_int_equal(offload_rx(&r, &head, &o), NET_RX_SEGMENT);
	head.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	assert_int_equal(offload_rx(&r, &head, &all), NET_RX_DROP);
	head.gso_type = 0;
	assert_int_equal(offload_rx(&r, &head, &o), NET_RX_DROP);
}

/* ---- segments -------------------------------------------------------------------------------- */

static void segments(void **state)
{
	static const int kinds[] = {PACKET_TCP4, PACKET_TCP6, PACKET_TCP4_TAG,
				    PACKET_TCP6_TAGS};
	enum {
		PAYLOAD = 4321,
		SIZE = 1000
	};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		unsigned char p[PACKET_ROOM], s[PACKET_ROOM];
		uint32_t bytes = packet_make(p, kinds[i], PAYLOAD), n, at = 0;
		struct net_headers h, hs;
		struct net_segmenter g;
		uint32_t seq, nr = 0;

		assert_true(headers_find(p, bytes, &h));
		p[h.l4 + 13] = 0x99; /* CWR, ACK, PSH, FIN */
		assert_true(segment_start(&g, p, bytes, SIZE));
		seq = (uint32_t)load16(p + h.l4 + 4) << 16 |
		      load16(p + h.l4 + 6);
		for (; (n = segment_next(&g, s)); nr++) {
			bool last = at + SIZE >= PAYLOAD;

			assert_true(headers_find(s, n, &hs));
			assert_int_equal(hs.end, n);
			assert_true(packet_checksum_right(s, n));
			assert_int_equal((uint32_t)load16(s + h.l4 + 4) << 16 |
						 load16(s + h.l4 + 6),
					 seq + at);
			assert_int_equal(s[h.l4 + 13], 0x10 | (nr ? 0 : 0x80) |
							       (last ? 9 : 0));
			assert_memory_equal(s + hs.payload, p + h.payload + at,
					    n - hs.payload);
			at += n - hs.payload;
		}
		assert_int_equal(at, PAYLOAD);
		assert_int_equal(nr, 5);
	}
}

static void nothing_to_cut(void **state)
{
	unsigned char p[PACKET_ROOM];
	struct net_segmenter g;

	(void)state;
	assert_false(segment_start(&g, p, packet_make(p, PACKET_UDP4, 9), 4));
	assert_false(segment_start(&g, p, packet_make(p, PACKET_TCP4, 0), 4));
	assert_false(segment_start(&g, p, packet_make(p, PACKET_TCP4, 9), 0));
	assert_int_equal(segment_next(&g, p), 0);
}

/* ---- packets of the own ring ------------------------------------------------------- */

static void tap_headers_say_what_packets_say(void **state)
{
	static const struct pv_net_packet good[] = {
		{.bytes = 60},
		{.bytes = 60, .flags = PV_NET_CSUM_OPEN, .csum_start = 34},
		{.bytes = 3000,
		 .flags = PV_NET_CSUM_OPEN,
		 .gso = PV_NET_GSO_TCPV4,
		 .gso_size = 1448,
		 .csum_start = 34,
		 .csum_offset = 16},
		{.bytes = 3000,
		 .flags = PV_NET_CSUM_OPEN,
		 .gso = PV_NET_GSO_TCPV6,
		 .gso_size = 1428,
		 .csum_start = 54,
		 .csum_offset = 16},
	};

	(void)state;
	for (unsigned int i = 0; i < COUNT(good); i++) {
		struct pv_net_packet p = {.bytes = good[i].bytes};
		struct virtio_net_hdr head;

		header_of_packet(&good[i], &head);
		assert_true(head.hdr_len <= p.bytes && head.hdr_len >= 60);
		assert_true(header_to_packet(&head, &p));
		assert_memory_equal(&p, &good[i], sizeof(p));
	}
}

static void tap_headers_are_checked(void **state)
{
	static const struct {
		struct virtio_net_hdr head;
		bool good;
	} row[] = {
		{{.flags = VIRTIO_NET_HDR_F_DATA_VALID}, true},
		{{.flags = 1, .csum_start = 40, .csum_offset = 18}, true},
		{{.flags = 1, .csum_start = 40, .csum_offset = 19}, false},
		{{.flags = 1, .csum_start = 65535, .csum_offset = 65535},
		 false},
		{{.flags = 1, .gso_type = 1, .gso_size = 1448}, true},
		{{.flags = 1, .gso_type = 0x81, .gso_size = 1448}, true},
		{{.flags = 1, .gso_type = 1}, false},
		{{.gso_type = 1, .gso_size = 1448}, false},
		{{.flags = 1,
		  .gso_type = VIRTIO_NET_HDR_GSO_UDP,
		  .gso_size = 9},
		 false},
	};

	(void)state;
	for (unsigned int i = 0; i < COUNT(row); i++) {
		struct pv_net_packet p = {.bytes = 60};

		if (header_to_packet(&row[i].head, &p) != row[i].good)
			fail_msg("row %u", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_slot),
		cmocka_unit_test(first_slot_has_the_rest),
		cmocka_unit_test(refusals),
		cmocka_unit_test(tx_lies),
		cmocka_unit_test(endless_chains),
		cmocka_unit_test(receive_slots),
		cmocka_unit_test(known_checksum),
		cmocka_unit_test(headers_are_found),
		cmocka_unit_test(cut_headers),
		cmocka_unit_test(open_checksums_out),
		cmocka_unit_test(segmentation_out),
		cmocka_unit_test(open_checksums_in),
		cmocka_unit_test(inner_checksums),
		cmocka_unit_test(fates),
		cmocka_unit_test(segments),
		cmocka_unit_test(nothing_to_cut),
		cmocka_unit_test(tap_headers_say_what_packets_say),
		cmocka_unit_test(tap_headers_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
