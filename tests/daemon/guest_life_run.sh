# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_life.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

refused() { # STATUS TEXT COMMAND...
	want=$1 text=$2
	shift 2
	"$@" >/tmp/refused 2>&1
	[ $? = "$want" ] && grep -q "$text" /tmp/refused
}
milliseconds() { # COMMAND...
	from=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
	"$@"
	to=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
	echo $(((to - from) * 10))
}
memory_is_back() { [ "$(free_kib)" = "$before" ]; }
guest_nodes() {
	parapet-store list /local/domain | grep -vx 0
	parapet-store list /vm
	for type in vbd vif console; do
		parapet-store list /parapet/backend/$type
	done
}

guest_xml() { # NAME MEMORY CURRENT VCPUS ON_CRASH
	cat <<END
<domain type='xen'>
  <name>$1</name>
  <memory unit='MiB'>$2</memory>
  <currentMemory unit='MiB'>$3</currentMemory>
  <vcpu current='1'>$4</vcpu>
  <os>
    <type>linux</type>
    <kernel>/guest/vmlinuz</kernel>
    <initrd>/guest/initrd</initrd>
    <cmdline>console=hvc0 quiet panic=1</cmdline>
  </os>
  <on_crash>$5</on_crash>
  <devices>
    <console type='pty'><log file='$log' append='on'/></console>
  </devices>
</domain>
END
}

guest_xml web1 160 128 2 preserve >/tmp/web1.xml
toolstack

# ---- a life
create_or_end web1 "a guest from XML" /tmp/web1.xml
echo "measured: $(grep 'web1 started' /run/parapetd.log)"
check list "shows it" sh -c "parapet list | grep -q ' web1 .* running '"
check console "has its first words" wait_for said "first program runs"
uuid=$(field web1 uuid)
check guest "knows its UUID" said "uuid=$uuid"
type_in web1 "hello"
check console "takes what is typed" wait_for said "heard <hello>"
by_command() { # until the answer comes
	{
		echo typed
		wait_for [ -e /run/answered ]
	} | timeout $patience parapet -q console web1 | {
		grep -m 1 "heard <typed>" && : >/run/answered
	}
}
check console "is carried by the command" by_command

# ---- limits
check setvcpus "brings up a processor" parapet setvcpus web1 2
more_cpus() { type_in web1 cpus; said "cpus=2"; }
check setvcpus "which the guest takes" wait_for more_cpus
check setmem "lets it have less" parapet setmem web1 96M
check setmem "which it gives back" wait_for is web1 memory_kib 98304
check setmem "and more again" parapet setmem web1 112M
check setmem "which it takes" wait_for is web1 memory_kib 114688
check setmem "but not more than the XML allows" \
	refused 5 "more than its <memory>" parapet setmem web1 1G
check schedinfo "sets weight and cap" \
	parapet schedinfo --weight=512 --cap=80 web1
check pause "stops it" parapet pause web1
check pause "which is seen" is web1 state paused
check resume "lets it go on" parapet resume web1

# ---- the daemon dies
kill -9 "$(pidof parapetd)"
parapetd -o log=/run/parapetd.log
check restart "the daemon is back" wait_for parapet version
check restart "it has found the guest" is web1 uuid "$uuid"
check restart "and the services" \
	wait_for services_run
type_in web1 "again"
check restart "the guest did not notice" wait_for said "heard <again>"

# ---- ends
domid=$(field web1 domid)
check reboot "is asked for" wait_for parapet reboot web1
check reboot "gives it another number" wait_for isnt web1 domid "$domid"
check reboot "and a second boot" wait_for said "first program runs" 2
wait_for is web1 state running
type_in web1 crash
check crash "is noticed, and the domain is kept" \
	wait_for is web1 state crashed
check crash "the reason is known" is web1 reason crash
check destroy "ends it" parapet destroy web1
# From here on: the first life makes the hypervisor's tables grow to their
# size.
before=$(free_kib)
check create "once more" parapet create /tmp/web1.xml
check create "to its first program" wait_for said "first program runs" 3
check shutdown "waits for the end" parapet shutdown --timeout=120 web1
check shutdown "after which it is gone" wait_for absent web1

# ---- refusals
guest_xml big 9216 9216 1 destroy >/tmp/big.xml
check errors "name the memory that is free" \
	refused 5 "create big: memory: 9216 MiB wanted" parapet create /tmp/big.xml
sed 's/vmlinuz/nothing/; s/web1/none/' /tmp/web1.xml >/tmp/none.xml
check errors "name a kernel that is not there" \
	refused 3 "create none: kernel: /guest/nothing: No such" \
	parapet create /tmp/none.xml
sed 's,/guest/vmlinuz,/guest/initrd,; s/web1/bad/' /tmp/web1.xml >/tmp/bad.xml
check errors "name a kernel that is none" \
	refused 6 "create bad: " parapet create /tmp/bad.xml

# ---- many lives leave nothing
cycle() {
	parapet -q create --paused /tmp/web1.xml && parapet -q destroy web1
}
# shellcheck disable=SC2034
cycles() { for n in 1 2 3 4 5 6 7 8 9 10; do cycle || return 1; done; }
check cycles "ten more lives" cycles
parapet -q create --paused /tmp/web1.xml
echo "measured: list ms=$(milliseconds parapet list --name | tail -n 1)"
echo "measured: destroy ms=$(milliseconds parapet -q destroy web1 | tail -n 1)"
grep 'web1 started' /run/parapetd.log | tail -n 1 | sed 's/^/measured: /'
check end "the memory is free again" wait_for memory_is_back
echo "measured: free KiB before=$before after=$(free_kib)"
check end "nothing is left in the store" [ -z "$(guest_nodes)" ]
check events "the hypervisor's log is there" \
	sh -c "parapet dmesg | grep -q ."
console_log
daemon_logs
