#!/usr/bin/env bash
# Make a bootable image: GRUB (multiboot 2) for BIOS and UEFI, hypervisor,
# control-domain kernel and initramfs.
#
#   mkiso.sh OUT HYPERVISOR VMLINUX INITRD [HYPERVISOR ARGS [KERNEL ARGS]]
#
# Works from a CD and, as it is a hybrid image, from a USB stick.  The kernel
# is packed in it, as GRUB unpacks faster than firmware reads a disk.
set -euo pipefail

die() { echo "mkiso: $*" >&2; exit 1; }

[ $# -ge 4 ] || die "usage: mkiso.sh OUT HYPERVISOR VMLINUX INITRD [ARGS...]"
out=$1 hypervisor=$2 vmlinux=$3 initrd=$4 hv_args=${5:-}
kernel_args=${6:-console=hvc0 earlyprintk=xen}

for tool in grub-mkrescue xorriso mformat; do
	command -v "$tool" >/dev/null || die "$tool is missing: run make deps"
done
for target in i386-pc x86_64-efi; do
	[ -d "/usr/lib/grub/$target" ] ||
		die "GRUB for $target is missing: run make deps"
done
for file in "$hypervisor" "$vmlinux" "$initrd"; do
	[ -e "$file" ] || die "$file: no such file"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree/boot/grub"
cp "$hypervisor" "$work/tree/boot/parapet"
gzip -c -n -6 "$vmlinux" >"$work/tree/boot/vmlinux.gz"
cp "$initrd" "$work/tree/boot/initrd.img"
cat >"$work/tree/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
insmod gzio
set timeout=2
set default=0

menuentry "Parapet" {
	echo "Loading the hypervisor and the control domain ..."
	multiboot2 /boot/parapet $hv_args
	module2 /boot/vmlinux.gz vmlinux $kernel_args
	module2 /boot/initrd.img initrd.img
}
END
if ! grub-mkrescue -o "$out.tmp" --fonts= --locales= --themes= --compress=xz \
	"$work/tree" >"$work/log" 2>&1
then
	tail -n 5 "$work/log" >&2
	die "grub-mkrescue failed"
fi
mv "$out.tmp" "$out"
echo "mkiso: $out, $(($(stat -c %s "$out") >> 20)) MiB"
