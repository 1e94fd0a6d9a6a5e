# SPDX-License-Identifier: MIT
"""What the benchmark compares: on which machine, and who makes its guest."""

import dataclasses

# How a kernel is told where its console is.
CONSOLE = {"native": "console=ttyS0", "parapet": "console=hvc0",
           "xen": "console=hvc0"}
HV_ARGS = {"native": "", "parapet": "", "xen": "console=com1 com1=115200"}
# With a guest: memory that the control domain has for itself.
CONTROL_MEM = {"native": "", "parapet": "control_mem=1024M",
               "xen": "dom0_mem=1024M,max:1024M"}


@dataclasses.dataclass(frozen=True)
class System:
    """One column of the tables.

    base is the machine that boots: native, parapet or xen.  peer names who
    makes a guest there, which is what is measured then: parapet, xen or qemu.
    """
    name: str
    title: str
    base: str
    peer: str = ""
    accel: str = ""             # qemu: kvm or tcg; xen: pv or pvh
    words: str = ""             # more for the hypervisor
    kernel: str = ""            # of the guest, if it is not the stock one
    modules: str = ""           # folder of more modules of the guest
    rounds: int = 99            # at most
    is_slow: bool = False       # with as little as there can be
    has_micro: bool = True      # False: devices and work are all there is

    def hv_args(self, more=""):
        """Words for the hypervisor, if there is one."""
        words = [more if self.base == "parapet" else HV_ARGS[self.base],
                 self.words]
        if self.peer:
            words.append(CONTROL_MEM[self.base])
        return " ".join(word for word in words if word)

    def guest_console(self):
        return "ttyS0" if self.peer == "qemu" else "hvc0"


SYSTEMS = {system.name: system for system in (
    System("native", "bare machine", "native"),
    System("parapet-control", "Parapet, control domain", "parapet"),
    # Without the hypervisor in its page tables: as guests are run.
    System("parapet-control-apart", "Parapet, control domain, apart",
           "parapet", words="control_root=apart"),
    System("parapet-guest", "Parapet, guest", "parapet", "parapet"),
    System("parapet-guest-patched", "Parapet, guest, patched kernel",
           "parapet", "parapet", kernel="guest-kernel/bzImage"),
    System("parapet-guest-frontends", "Parapet, guest, own frontends",
           "parapet", "parapet", modules="modules", has_micro=False),
    System("xen-control", "Xen 4.17, control domain", "xen"),
    System("xen-guest", "Xen 4.17, PV guest", "xen", "xen", "pv"),
    System("xen-pvh", "Xen 4.17, PVH guest", "xen", "xen", "pvh",
           rounds=1),
    System("kvm-guest", "KVM, guest", "native", "qemu", "kvm"),
    System("tcg-guest", "QEMU, all emulated", "native", "qemu", "tcg",
           rounds=1, is_slow=True),
)}
# What is measured unless somebody chooses: what has to be built first is left
# out (make guest-kernel, make modules).
USUAL = [name for name, system in SYSTEMS.items()
         if not (system.kernel or system.modules)]
