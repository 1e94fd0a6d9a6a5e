# shellcheck shell=sh
# What guest_boot.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/checks.sh
. /etc/checks.sh
trap 'sums control' EXIT
said() { grep -q "$1" /tmp/said; }

# A guest with 96 MiB; what it and parapet-build say goes to /tmp/said.
guest() { # DO STATUS OPTION...
	what=$1 want=$2
	shift 2
	parapet-build --name "$what" --kernel /guest/vmlinuz \
		--initrd /guest/initrd --memory 96M --timeout 200 \
		--cmdline "console=hvc0 quiet panic=1 parapet_do=$what" \
		"$@" >/tmp/said 2>/tmp/err
	status=$?
	cat /tmp/err >>/tmp/said
	if [ $status = "$want" ]; then
		pass "$what" "ends with status $want"
	else
		fail "$what" "ended with status $status instead of $want"
		tail -n 20 /tmp/said
	fi
}

free_frames() {
	parapet-build --no-store --kernel /guest/vmlinuz --memory 96M \
		--repeat "$1" >/tmp/frames 2>&1
	status=$?
	sed -n 's/.*after=//p' /tmp/frames
	return $status
}

start_store() {
	parapet-stored --rings xen --state /run/store
}

# Stock kernels as guests, with few and with many processors.
kernels() {
	cpus=$(grep -c ^processor /proc/cpuinfo)
	for kernel in vmlinuz amd64 cloud-6.12; do
		for vcpus in "$cpus" 8; do
			guest poweroff 0 --kernel /guest/$kernel \
				--vcpus "$vcpus" --memory 160M
			check kernel "$kernel runs on $vcpus vcpus, $cpus CPUs" \
				said "vcpus=$vcpus "
			sed -n 's/.*first program runs/measured: &/p' /tmp/said
		done
	done
}

mkdir -p /run/xenstored
check store "serves the control domain" start_store
kernel_has_written() { parapet-store ls /local/domain/0 | grep feature-poweroff; }
check store "is used by the control domain's kernel" wait_for kernel_has_written

# shellcheck disable=SC2154 # a word of the kernel's command line
if [ "$parapet_part" = kernels ]; then
	kernels
	return 0
fi

kernels

# Three at a time.
for n in 1 2 3; do
	parapet-build --name "g$n" --kernel /guest/vmlinuz \
		--initrd /guest/initrd --memory 96M --timeout 200 \
		--cmdline "console=hvc0 quiet" >"/tmp/said$n" 2>&1 &
done
wait
cat /tmp/said1 /tmp/said2 /tmp/said3 >/tmp/said
check neighbours "three guests run at once" \
	[ "$(grep -c "first program runs" /tmp/said)" = 3 ]

# From here on: the hypervisor's own tables have grown to their size.
before=$(free_frames 1)

guest poweroff 0
check boot "reaches its first user program" said "first program runs"
check boot "finds itself on Xen's interface" said "type=xen"
guest poweroff 0 --vcpus 2 --memory 160M
check smp "has two processors" said "vcpus=2"
check memory "has its memory" said "mib=1[0-9][0-9]"

echo "hello from outside" | guest typed 0
check console "takes what is typed" said "typed <hello from outside>"

guest flood 0
check console "carries a flood whole" has_flood /tmp/said

guest reboot 3
guest crash 4
check crash "says where its processor was" said "rip=0xffffffff"

# The store is killed and started again under a guest's calls.
{ guest store 0; : >/tmp/ended; } &
count=0
while [ "${count:-0}" -lt 20 ] && [ ! -e /tmp/ended ]; do
	for domain in $(parapet-store ls /local/domain 2>/dev/null |
		sed -n 's/^ \([0-9][0-9]*\) = .*/\1/p'); do
		count=$(parapet-store read "/local/domain/$domain/data/count" \
			2>/dev/null)
	done
done
kill -9 "$(pidof parapet-stored)"
check restart "is possible for the store" start_store
wait
check restart "goes unnoticed by a guest" said "store calls end, errors=0"
check store "shows a guest its folder" said "name=store domid=[1-9]"

# One that must be ended.
guest wait 5 --timeout 15

# Errors name what is wrong.
guest small 1 --memory 20M
check errors "name the memory that a guest takes" said "memory: 20 MiB; the"
guest absent 1 --kernel /guest/nothing
check errors "name a kernel that is not there" said "/guest/nothing: No such"
guest script 1 --kernel /init
check errors "name a kernel that is none" said "kernel /init: "
guest large 1 --memory 9G
check errors "name the memory that is free" said "frames wanted"

after=$(free_frames 50)
check cycles "50 of create and destroy lose no frame" [ $? = 0 ]
check cycles "all of the above lost no frame ($before, $after)" \
	[ "$before" = "$after" ]
