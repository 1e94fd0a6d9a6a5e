/* SPDX-License-Identifier: MIT */
/* Domain XML: what is taken, what is refused, and where it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/daemon/xml/xml.h"

#define HEAD                                                                   \
	"<domain type='xen'>\n"                                                \
	"<name>web1</name>\n"                                                  \
	"<memory unit='MiB'>256</memory>\n"                                    \
	"<os><type>linux</type><kernel>/k</kernel></os>\n"
#define TAIL "</domain>\n"

static struct dom_config *parse(const char *xml, unsigned int flags,
				struct xml_report *report, struct fail *why)
{
	memset(report, 0, sizeof(*report));
	memset(why, 0, sizeof(*why));
	return xml_parse_domain(xml, strlen(xml), "f.xml", flags, report, why);
}

static struct dom_config *accept(const char *xml)
{
	struct xml_report report;
	struct fail why;
	struct dom_config *c = parse(xml, 0, &report, &why);

	if (!c)
		fail_msg("%s", why.text);
	assert_int_equal(report.nr, 0);
	return c;
}

/* ---- what is taken ------------------------------------------------------------- */

static void a_file_of_libvirt_is_understood(void **state)
{
	static const char xml[] =
		"<?xml version='1.0' encoding='UTF-8'?>\n"
		"<domain type='xen' id='7'>\n"
		" <name>web.1</name>\n"
		" <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>\n"
		" <title>t</title><description>d &amp; e</description>\n"
		" <metadata><x:y xmlns:x='urn:x'>z</x:y></metadata>\n"
		" <memory unit='GiB'>1</memory>\n"
		" <currentMemory>524288</currentMemory>\n"
		" <vcpu placement='static' current='2'>4</vcpu>\n"
		" <os><type arch='x86_64' machine='xenpv'>linux</type>\n"
		"  <kernel>/boot/vmlinuz</kernel><initrd>/boot/i</initrd>\n"
		"  <cmdline>root=/dev/xvda1 ro</cmdline></os>\n"
		" <clock offset='utc' adjustment='reset'/>\n"
		" <on_poweroff>destroy</on_poweroff>\n"
		" <on_reboot>restart</on_reboot>\n"
		" <on_crash>preserve</on_crash>\n"
		" <cputune><shares>512</shares><global_period>50000"
		"</global_period><global_quota>25000</global_quota></cputune>\n"
		" <memtune><hard_limit unit='G'>2</hard_limit></memtune>\n"
		" <devices>\n"
		"  <emulator>/usr/lib/xen-4.17/bin/qemu-system-i386</emulator>\n"
		"  <disk type='file' device='disk'>\n"
		"   <driver name='qemu' type='qcow2' discard='unmap'/>\n"
		"   <source file='/srv/a.qcow2'/><backingStore/>\n"
		"   <target dev='xvda' bus='xen'/>\n"
		"   <iotune><total_iops_sec>100</total_iops_sec></iotune>\n"
		"   <blockio logical_block_size='512' "
		"physical_block_size='4096'/>\n"
		"  </disk>\n"
		"  <disk type='block' device='disk'><driver name='phy'/>\n"
		"   <source dev='/dev/vg/b'/><target dev='xvdb1'/><shareable/>\n"
		"  </disk>\n"
		"  <disk type='network' device='cdrom'>\n"
		"   <source protocol='nbd' name='c'><host name='h' "
		"port='10810'/></source><target dev='xvdz'/></disk>\n"
		"  <controller type='xenbus' index='0'/>\n"
		"  <interface type='bridge'>\n"
		"   <mac address='00:16:3e:5d:c7:9e'/><source bridge='br0'/>\n"
		"   <script path='vif-bridge'/><target dev='vif7.0'/>\n"
		"   <model type='netfront'/><mtu size='1400'/>\n"
		"   <bandwidth><inbound average='1000' peak='2000' burst='9'/>"
		"<outbound average='5'/></bandwidth>\n"
		"  </interface>\n"
		"  <interface type='network'><source network='lan'/>"
		"<target dev='tap0'/></interface>\n"
		"  <console type='pty' tty='/dev/pts/3'><source "
		"path='/dev/pts/3'/><log file='/var/log/c' append='on'/>"
		"<target type='xen' port='0'/></console>\n"
		"  <input type='mouse' bus='xen'/>\n"
		"  <input type='keyboard' bus='xen'/>\n"
		"  <memballoon model='xen'/>\n"
		" </devices>\n"
		"</domain>\n";
	struct dom_config *c = accept(xml);
	char text[CONFIG_UUID_TEXT];

	(void)state;
	assert_string_equal(c->name, "web.1");
	config_uuid_text(c->uuid, text);
	assert_string_equal(text, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
	assert_string_equal(c->description, "d & e");
	assert_int_equal(c->memory_kib, 1 << 20);
	assert_int_equal(c->current_kib, 1 << 19);
	assert_int_equal(c->hard_limit_kib, 2 << 20);
	assert_int_equal(c->vcpus, 4);
	assert_int_equal(c->current_vcpus, 2);
	assert_int_equal(c->weight, 512);
	assert_int_equal(c->cap, 50);
	assert_int_equal(c->on_crash, ON_END_PRESERVE);
	assert_int_equal(c->nr_disks, 3);
	assert_int_equal(c->disk[0].format, FORMAT_QCOW2);
	assert_true(c->disk[0].discard);
	assert_int_equal(c->disk[0].devid, 51712);
	assert_int_equal(c->disk[0].tune[TUNE_TOTAL_IOPS], 100);
	assert_int_equal(c->disk[0].physical_block, 4096);
	assert_int_equal(c->disk[1].devid, 51729);
	assert_true(c->disk[1].shareable);
	assert_true(c->disk[2].readonly && c->disk[2].cdrom);
	assert_int_equal(c->disk[2].port, 10810);
	assert_int_equal(c->disk[2].devid, 1 << 28 | 25 << 8);
	assert_int_equal(c->nr_nics, 2);
	assert_string_equal(c->nic[0].bridge, "br0");
	assert_string_equal(c->nic[0].ifname, "");
	assert_int_equal(c->nic[0].inbound.peak, 2000);
	assert_int_equal(c->nic[0].mtu, 1400);
	assert_string_equal(c->nic[1].network, "lan");
	assert_string_equal(c->nic[1].ifname, "tap0");
	assert_int_equal(c->nic[1].mac[0] << 16 | c->nic[1].mac[1] << 8 |
				 c->nic[1].mac[2],
			 0x00163e);
	assert_string_equal(c->console_log, "/var/log/c");
	config_put(c);
}

static void what_is_written_is_read_back(void **state)
{
	static const char xml[] = HEAD
		"<description>a\n b &lt;&amp;'\" é</description>"
		"<vcpu current='1'>8</vcpu><cputune><shares>9</shares>"
		"<global_quota>130000</global_quota></cputune>"
		"<memtune><min_guarantee>65536</min_guarantee></memtune>"
		"<on_reboot>destroy</on_reboot><devices>"
		"<disk type='network'><driver type='vmdk'/><source "
		"protocol='https' name=\"a'b\"><host name='h'/></source>"
		"<target dev='xvdaa'/><readonly/><iotune><read_bytes_sec>7"
		"</read_bytes_sec></iotune></disk>"
		"<interface type='bridge'><source bridge='b'/><virtualport "
		"type='openvswitch'/><link state='down'/></interface>"
		"<console type='pty'/></devices>" TAIL;
	struct dom_config *c = accept(xml), *again;
	char *first = xml_format_domain(c, -1), *second;

	(void)state;
	assert_non_null(first);
	again = accept(first);
	second = xml_format_domain(again, -1);
	assert_string_equal(first, second);
	assert_string_equal(again->disk[0].source, "a'b");
	assert_int_equal(again->cap, 130);
	assert_true(again->nic[0].link_down);
	free(first);
	free(second);
	config_put(c);
	config_put(again);
}

static void a_bootloader_is_an_image_of_grub(void **state)
{
	struct dom_config *c =
		accept("<domain type='xen'><name>g</name><memory>65536</memory>"
		       "<bootloader>/usr/lib/grub-xen/grub-x86_64-xen.bin"
		       "</bootloader><bootloader_args>x</bootloader_args>"
		       "<os><type>xen</type></os></domain>");

	(void)state;
	assert_true(c->bootloader);
	assert_string_equal(c->kernel, "/usr/lib/grub-xen/grub-x86_64-xen.bin");
	assert_string_equal(c->cmdline, "x");
	config_put(c);
}

/* ---- what is refused, and where ------------------------------------------------ */

struct refusal {
	const char *xml, *text;
	enum fail_code code;
};

#define D(device) HEAD "<devices>\n  " device "</devices>" TAIL
#define DISK(part)                                                             \
	D("<disk type='file'><source file='/d'/>" part "<target dev='xvda'/>"  \
	  "</disk>")
#define NIC(part)                                                              \
	D("<interface type='bridge'><source bridge='b'/>" part "</interface>")
#define BAD FAIL_INVALID
#define NOT FAIL_UNSUPPORTED

static const struct refusal refusals[] = {
	{"", "f.xml: nothing in it", BAD},
	{"<domain", "f.xml:1:8: ", BAD},
	{"<a/>", "f.xml:1:1: <a>: must be <domain>", BAD},
	{"<domain type='xen'>\n</domian>", "f.xml:2:", BAD},
	{"<!DOCTYPE d [<!ENTITY a 'b'>]><domain>&a;</domain>",
	 "f.xml: a document type declaration: not supported", NOT},
	{"<domain type='xen'>&x;</domain>", "f.xml:1:", BAD},
	{"<?xml version='1.0' encoding='ISO-8859-1'?><domain/>",
	 "encoding ISO-8859-1", NOT},
	{"<domain type='kvm'/>", "f.xml:1:1: <domain>: attribute type", NOT},
	{HEAD "<name>two</name>" TAIL, "f.xml:5:1: <name>: comes twice", BAD},
	{HEAD "text" TAIL, "f.xml:1:1: <domain>: text where elements", BAD},
	{HEAD "  <numatune/>" TAIL,
	 "f.xml:5:3: <numatune>: not supported in "
	 "<domain>",
	 NOT},
	{HEAD "<q:x xmlns:q='urn:q'/>" TAIL, "f.xml:5:1: <x>: not supported",
	 NOT},
	{HEAD "<vcpu>0</vcpu>" TAIL, "<vcpu>: 0: must be from 1 to 32", BAD},
	{HEAD "<vcpu>-1</vcpu>" TAIL, "<vcpu>: -1: not a number", BAD},
	{HEAD "<vcpu cpuset='0'>1</vcpu>" TAIL, "attribute cpuset", NOT},
	{HEAD "<vcpu current='3'>2</vcpu>" TAIL, "3: must be from 1 to 2", BAD},
	{HEAD "<on_crash>coredump-destroy</on_crash>" TAIL,
	 "<on_crash>: 'coredump-destroy'", NOT},
	{HEAD "<clock offset='localtime'/>" TAIL, "attribute offset", NOT},
	{HEAD "<bootloader>/usr/bin/pygrub</bootloader>" TAIL,
	 "<bootloader>: /usr/bin/pygrub: only a PV image of GRUB", NOT},
	{HEAD "<currentMemory unit='GiB'>1</currentMemory>" TAIL,
	 "<currentMemory> is more than <memory>", BAD},
	{HEAD "<currentMemory unit='x'>1</currentMemory>" TAIL,
	 "unit x: not a unit", BAD},
	{HEAD "<currentMemory>99999999999999999999</currentMemory>" TAIL,
	 "<currentMemory>: 99999999999999999999: must be", BAD},
	{HEAD "<uuid>4dea</uuid>" TAIL, "<uuid>: '4dea': not a UUID", BAD},
	{HEAD "<cputune><vcpupin vcpu='0' cpuset='0'/></cputune>" TAIL,
	 "<vcpupin>: not supported in <cputune>", NOT},
	{HEAD "<memtune><soft_limit>1</soft_limit></memtune>" TAIL,
	 "<soft_limit>: not supported", NOT},
	{D("<graphics type='vnc'/>"),
	 "f.xml:6:3: <graphics>: not supported in <devices>", NOT},
	{D("<hostdev/>"), "<hostdev>: not supported in <devices>", NOT},
	{DISK("<serial>x</serial>"), "<serial>: not supported in <disk>", NOT},
	{DISK("<driver cache='unsafe'/>"), "attribute cache='unsafe'", NOT},
	{DISK("<driver type='qed'/>"), "attribute type='qed'", NOT},
	{DISK("<iotune><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1"
	      "</read_bytes_sec></iotune>"),
	 "cannot be together", BAD},
	{DISK("<blockio logical_block_size='600'/>"), "not a power of two",
	 BAD},
	{D("<disk type='file' device='floppy'/>"), "device='floppy'", NOT},
	{D("<disk type='file'><source file='d'/><target dev='xvda'/></disk>"),
	 "<source>: d: not an absolute path", BAD},
	{D("<disk type='file'><source file='/d'/><target dev='hda'/></disk>"),
	 "<target>: dev='hda'", BAD},
	{D("<disk type='file'><target dev='xvda'/></disk>"),
	 "<disk>: a <source> is missing", BAD},
	{DISK("") "", "", FAIL_NONE},
	{D("<disk type='file'><source file='/d'/><target dev='xvda'/></disk>"
	   "<disk type='file'><source file='/d'/><target dev='xvda'/></disk>"),
	 "two disks are called xvda", BAD},
	{NIC("<mac address='01:00:00:00:00:00'/>"), "a multicast address", BAD},
	{NIC("<script path='/bin/sh'/>"), "scripts are not supported", NOT},
	{NIC("<ip address='10.0.0.1'/>"), "<ip>: not supported", NOT},
	{NIC("<target dev='a/b'/>"), "not a name of an interface", BAD},
	{NIC("<mtu size='9'/>"), "9: must be from 68", BAD},
	{D("<interface type='bridge'><source bridge='a-very-long-name'/>"
	   "</interface>"),
	 "longer than 15", BAD},
	{D("<interface type='user'/>"), "<interface>: attribute type", NOT},
	{D("<console type='tcp'/>"), "<console>: attribute type", NOT},
};

static void refusals_name_file_line_column_and_element(void **state)
{
	struct xml_report report;
	struct dom_config *c;
	struct fail why;

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];

		c = parse(r->xml, 0, &report, &why);
		if (r->code == FAIL_NONE) {
			assert_non_null(c);
			config_put(c);
			continue;
		}
		if (c || why.code != r->code || !strstr(why.text, r->text))
			fail_msg("%s\n   said: %s\n   not:  %s", r->xml,
				 c ? "nothing" : why.text, r->text);
		xml_report_free(&report);
	}
}

static void lines_beyond_65535_and_letters_of_two_bytes_count(void **state)
{
	static const char end[] = "é<numatune/>";
	size_t lines = 70000;
	char *xml = malloc(sizeof(HEAD) + lines + 100);
	struct xml_report report;
	struct fail why;

	(void)state;
	strcpy(xml, HEAD);
	memset(xml + strlen(HEAD), '\n', lines);
	sprintf(xml + strlen(HEAD) + lines, "<!--%s--><numatune/>" TAIL, end);
	assert_null(parse(xml, 0, &report, &why));
	assert_non_null(strstr(why.text, "f.xml:70005:20: <numatune>"));
	xml_report_free(&report);
	free(xml);
}

static void all_that_is_unsupported_is_listed(void **state)
{
	static const char xml[] =
		HEAD "<devices><sound model='es1370'/>\n<tpm/><disk type='dir'>"
		     "<x/></disk></devices><numatune/>" TAIL;
	struct xml_report report;
	struct dom_config *c;
	struct fail why;

	(void)state;
	assert_null(parse(xml, 0, &report, &why));
	assert_int_equal(why.code, FAIL_UNSUPPORTED);
	assert_int_equal(report.nr, 4);
	xml_report_free(&report);
	c = parse(xml, XML_IGNORE_UNSUPPORTED, &report, &why);
	assert_non_null(c);
	assert_int_equal(report.nr, 4);
	assert_string_equal(report.line[1],
			    "f.xml:6:1: <tpm>: not supported in <devices>");
	assert_int_equal(c->nr_disks, 0);
	config_put(c);
	xml_report_free(&report);
	/* What is wrong stays wrong. */
	c = parse(HEAD "<tpm/><vcpu>x</vcpu>" TAIL, XML_IGNORE_UNSUPPORTED,
		  &report, &why);
	assert_null(c);
	assert_int_equal(why.code, FAIL_INVALID);
	xml_report_free(&report);
}

static void names_and_targets_are_checked(void **state)
{
	(void)state;
	assert_true(config_name_ok("web-1.a_b+c:d"));
	assert_false(config_name_ok(""));
	assert_false(config_name_ok("../x"));
	assert_false(config_name_ok("-x"));
	assert_false(config_name_ok("17"));
	assert_false(config_name_ok("a b"));
	assert_int_equal(config_target_devid("xvda"), 51712);
	assert_int_equal(config_target_devid("xvdp15"), 51712 + 255);
	assert_int_equal(config_target_devid("xvdq"), 1 << 28 | 16 << 8);
	assert_int_equal(config_target_devid("xvda16"), 1 << 28 | 16);
	assert_int_equal(config_target_devid("xvda0"), 0);
	assert_int_equal(config_target_devid("xvd"), 0);
	assert_int_equal(config_target_devid("xvdaaaa"), 0);
	assert_int_equal(config_target_devid("xvda999999999"), 0);
	assert_int_equal(config_target_devid("sda"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_libvirt_is_understood),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_bootloader_is_an_image_of_grub),
		cmocka_unit_test(refusals_name_file_line_column_and_element),
		cmocka_unit_test(
			lines_beyond_65535_and_letters_of_two_bytes_count),
		cmocka_unit_test(all_that_is_unsupported_is_listed),
		cmocka_unit_test(names_and_targets_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
