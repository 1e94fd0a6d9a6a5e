# SPDX-License-Identifier: MIT
"""How each toolstack wants a guest described: one vcpu, the same kernel and
initramfs (/guest/vmlinuz, /guest/initrd), a disk (/mnt/guest.img), the bridge
br0."""

import dataclasses

MAC = "00:16:3e:01:02:03"

XML = """<domain type='xen'>
  <name>{name}</name>
  <memory unit='MiB'>{mem}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>/guest/vmlinuz</kernel>
    <initrd>/guest/initrd</initrd>
    <cmdline>console=hvc0 {words}</cmdline>
  </os>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>{devices}
    <console type='pty'>
      <log file='/run/console.log' append='off'/>
    </console>
  </devices>
</domain>
"""
XML_DEVICES = f"""
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/mnt/guest.img'/>
      <target dev='xvda' bus='xen'/>
    </disk>
    <interface type='bridge'>
      <mac address='{MAC}'/>
      <source bridge='br0'/>
    </interface>"""

# The guest's own time stamp counter: emulated, it costs ten times as much.
XL = """name = "{name}"
type = "{accel}"
memory = {mem}
maxmem = {mem}
vcpus = 1
kernel = "/guest/vmlinuz"
ramdisk = "/guest/initrd"
extra = "console=hvc0 {words}"
tsc_mode = "native"
nomigrate = 1
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
{devices}"""
XL_DEVICES = f"""disk = [ "format=raw,vdev=xvda,access=rw,target=/mnt/guest.img" ]
vif = [ "mac={MAC},bridge=br0" ]
"""

QEMU = """-name {name} -m {mem} -kernel /guest/vmlinuz -initrd /guest/initrd
-append "console=ttyS0 {words}"{devices}
"""
QEMU_DEVICES = f"""
-drive file=/mnt/guest.img,format=raw,cache=none,aio=io_uring,id=d0,if=none
-device virtio-blk-pci,drive=d0
-netdev tap,id=n0,ifname=tap0,script=/guest/ifup,downscript=no,vhost=on
-device virtio-net-pci,netdev=n0,mac={MAC},romfile="""


@dataclasses.dataclass(frozen=True)
class Guest:
    """One guest; words are for its kernel."""
    name: str
    mem: int                    # MiB
    words: str
    has_devices: bool = False

    def described_for(self, peer, accel=""):
        """(name of a file, its text); accel is Xen's type of the guest."""
        template, devices, ending = {
            "parapet": (XML, XML_DEVICES, "xml"),
            "xen": (XL, XL_DEVICES, "cfg"),
            "qemu": (QEMU, QEMU_DEVICES, "qemu")}[peer]
        text = template.format(name=self.name, mem=self.mem, words=self.words,
                               accel=accel, devices=devices if self.has_devices else "")
        return f"{self.name}.{ending}", text
