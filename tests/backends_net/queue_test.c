/* SPDX-License-Identifier: MIT */
/* One queue of the network backend, step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/backends/fake_bus.h"
#include "tests/backends_net/device.h"
#include "tests/backends_net/packets.h"

static const struct net_offers all = {
	.sg = true, .csum4 = true, .csum6 = true, .gso4 = true, .gso6 = true};

static void put_packets(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint32_t bytes =
			packet_make(device_frame(i), PACKET_UDP4, 10 + i);

		device_tx(device.tx->req_prod + i)->req =
			(struct pv_netif_tx_request){.gref = i,
						     .id = (uint16_t)i,
						     .size = (uint16_t)bytes};
	}
	device.tx->req_prod += nr;
}

static unsigned int count_sent(void)
{
	unsigned char p[PACKET_ROOM];
	unsigned int n = 0;

	while (device_sent(p, sizeof(p)))
		n++;
	return n;
}

static void sent_is_not_sent_again(void **state)
{
	(void)state;
	device_start(&all);
	put_packets(5);
	/* Killed after the third was sent, before any was answered. */
	device.q->saved->tx_sent = 3;
	device_resume();
	device_run();
	assert_int_equal(count_sent(), 2);
	assert_int_equal(device.tx->rsp_prod, 5);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(device_tx(i)->rsp.id, i);
		assert_int_equal(device_tx(i)->rsp.status, XEN_NETIF_RSP_OKAY);
	}
	put_packets(4);
	device_resume();
	device_run();
	assert_int_equal(count_sent(), 4);
	assert_int_equal(device.tx->rsp_prod, 9);
	device_stop();
}

/* Without the event loop, where a slow machine finds a timer due at once. */
static void take(void)
{
	while (!device.n->broken && device.tx->rsp_prod != device.tx->req_prod)
		from_guest_run(device.q);
}

/* Until the timer has run that tells of answers. */
static void let_it_tell(void)
{
	while (ev_is_active(&device.q->tx_tell))
		ev_run(device.xb->loop, EVRUN_ONCE);
}

static void few_answers_are_told_of_later(void **state)
{
	(void)state;
	device_start(&all);
	device.n->patient = true;
	put_packets(2);
	take();
	assert_int_equal(device.tx->rsp_prod, 2);
	assert_int_equal(fake_guest.events, 0);
	let_it_tell();
	assert_int_equal(fake_guest.events, 1);

	/* The frontend has looked meanwhile: no event. */
	device.tx->rsp_event = 3;
	put_packets(1);
	take();
	assert_int_equal(fake_guest.events, 1);
	device.tx->rsp_event = 4;
	let_it_tell();
	assert_int_equal(fake_guest.events, 1);

	/* Many: at once, and once, though the first was to be told later. */
	put_packets(1);
	take();
	assert_int_equal(fake_guest.events, 1);
	put_packets(20);
	take();
	assert_int_equal(fake_guest.events, 2);
	put_packets(20);
	take();
	assert_int_equal(fake_guest.events, 2);
	assert_false(ev_is_active(&device.q->tx_tell));
	device_stop();
}

static void post(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint32_t at = device.rx->req_prod + i;

		device_rx(at)->req = (struct pv_netif_rx_request){
			.id = (uint16_t)at, .gref = at % NET_RING_SLOTS};
	}
	device.rx->req_prod += nr;
}

static void from_network(const struct virtio_net_hdr *head,
			 const unsigned char *p, uint32_t bytes)
{
	unsigned char both[PACKET_ROOM];

	memcpy(both, head, sizeof(*head));
	memcpy(both + sizeof(*head), p, bytes);
	assert_int_equal(send(device.net, both, sizeof(*head) + bytes, 0),
			 sizeof(*head) + bytes);
}

static void packets_wait_for_slots(void **state)
{
	const struct virtio_net_hdr plain = {0};
	unsigned char p[PACKET_ROOM];
	uint32_t bytes = packet_make(p, PACKET_TCP4, 9000);

	(void)state;
	device_start(&all);
	from_network(&plain, p, bytes);
	from_network(&plain, p, 60);
	post(1);
	device_run();
	assert_int_equal(device.rx->rsp_prod, 0);
	assert_int_equal(device.rx->req_event, 3);
	post(1);
	device_run();
	assert_int_equal(device.rx->rsp_prod, 0);
	post(1);
	device_run();
	assert_int_equal(device.rx->rsp_prod, 3);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t n = (uint32_t)device_rx(i)->rsp.status;

		assert_memory_equal(device_frame(i), p + i * NET_PAGE, n);
	}
	post(1);
	device_run();
	assert_int_equal(device.rx->rsp_prod, 4);
	assert_int_equal(device_rx(3)->rsp.status, 60);
	device_stop();
}

static void large_ones_are_cut(void **state)
{
	struct net_offers o = {.csum4 = true};
	unsigned char p[PACKET_ROOM];
	uint32_t bytes = packet_make(p, PACKET_TCP4, 9000);
	struct virtio_net_hdr head = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34,
		.csum_offset = 16,
		.hdr_len = 54,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 1000,
	};

	(void)state;
	device_start(&o);
	from_network(&head, p, bytes);
	post(4);
	device_run();
	assert_int_equal(device.rx->rsp_prod, 4);
	post(6);
	device_run();
	assert_int_equal(device.rx->rsp_prod, 9);
	for (uint32_t i = 0; i < 9; i++) {
		assert_int_equal(device_rx(i)->rsp.flags,
				 XEN_NETRXF_data_validated);
		assert_true(packet_checksum_right(
			device_frame(i), (uint32_t)device_rx(i)->rsp.status));
	}
	device_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sent_is_not_sent_again),
		cmocka_unit_test(few_answers_are_told_of_later),
		cmocka_unit_test(packets_wait_for_slots),
		cmocka_unit_test(large_ones_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
