/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: interrupts and PCI devices of the control domain, IOPL.
 */
#ifndef PV_PHYSDEV_H
#define PV_PHYSDEV_H

#include <pv/abi.h>

#define PHYSDEVOP_IRQ_UNMASK_NOTIFY  4
#define PHYSDEVOP_irq_status_query   5
#define PHYSDEVOP_set_iopl           6
#define PHYSDEVOP_set_iobitmap       7
#define PHYSDEVOP_apic_read          8
#define PHYSDEVOP_apic_write         9
#define PHYSDEVOP_alloc_irq_vector   10
#define PHYSDEVOP_free_irq_vector    11
#define PHYSDEVOP_eoi                12
#define PHYSDEVOP_map_pirq           13
#define PHYSDEVOP_unmap_pirq         14
#define PHYSDEVOP_manage_pci_add     15
#define PHYSDEVOP_manage_pci_remove  16
#define PHYSDEVOP_pirq_eoi_gmfn_v1   17
#define PHYSDEVOP_restore_msi        19
#define PHYSDEVOP_manage_pci_add_ext 20
#define PHYSDEVOP_setup_gsi          21
#define PHYSDEVOP_get_nr_pirqs       22
#define PHYSDEVOP_get_free_pirq      23
#define PHYSDEVOP_pci_mmcfg_reserved 24
#define PHYSDEVOP_pci_device_add     25
#define PHYSDEVOP_pci_device_remove  26
#define PHYSDEVOP_restore_msi_ext    27
#define PHYSDEVOP_pirq_eoi_gmfn_v2   28
#define PHYSDEVOP_dbgp_op            29
#define PHYSDEVOP_prepare_msix       30
#define PHYSDEVOP_release_msix       31

/* struct pv_physdev_irq_status_query.flags */
#define XENIRQSTAT_needs_eoi 1
#define XENIRQSTAT_shared    2

/* struct pv_physdev_map_pirq.type */
#define MAP_PIRQ_TYPE_MSI       0
#define MAP_PIRQ_TYPE_GSI       1
#define MAP_PIRQ_TYPE_UNKNOWN   2
#define MAP_PIRQ_TYPE_MSI_SEG   3
#define MAP_PIRQ_TYPE_MULTI_MSI 4

/* struct pv_physdev_pci_device_add.flags */
#define XEN_PCI_DEV_EXTFN  1
#define XEN_PCI_DEV_VIRTFN 2
#define XEN_PCI_DEV_PXM    4

/* struct pv_physdev_pci_mmcfg_reserved.flags */
#define XEN_PCI_MMCFG_RESERVED 1

/* struct pv_physdev_dbgp_op.op and .bus */
#define PHYSDEVOP_DBGP_RESET_PREPARE 1
#define PHYSDEVOP_DBGP_RESET_DONE    2
#define PHYSDEVOP_DBGP_BUS_UNKNOWN   0
#define PHYSDEVOP_DBGP_BUS_PCI       1

#ifndef __ASSEMBLER__

struct pv_physdev_eoi {
	uint32_t irq; /* IN a PIRQ */
};
PV_ABI_SIZE(struct pv_physdev_eoi, 4);

struct pv_physdev_pirq_eoi_gmfn {
	uint64_t gmfn; /* IN machine frame of a bitmap, one bit per PIRQ */
};
PV_ABI_SIZE(struct pv_physdev_pirq_eoi_gmfn, 8);

struct pv_physdev_irq_status_query {
	uint32_t irq; /* IN  a PIRQ       */
	uint32_t flags; /* OUT XENIRQSTAT_* */
};
PV_ABI_SIZE(struct pv_physdev_irq_status_query, 8);
PV_ABI_FIELD(struct pv_physdev_irq_status_query, flags, 4);

struct pv_physdev_set_iopl {
	uint32_t iopl; /* IN */
};
PV_ABI_SIZE(struct pv_physdev_set_iopl, 4);

struct pv_physdev_set_iobitmap {
	pv_gva_t bitmap; /* IN one bit per port, clear: allowed */
	uint32_t nr_ports; /* IN                                  */
	uint32_t pad0;
};
PV_ABI_SIZE(struct pv_physdev_set_iobitmap, 16);
PV_ABI_FIELD(struct pv_physdev_set_iobitmap, nr_ports, 8);

struct pv_physdev_apic {
	uint64_t apic_physbase; /* IN machine address of the IO-APIC */
	uint32_t reg; /* IN                                */
	uint32_t value; /* IN (write) or OUT (read)          */
};
PV_ABI_SIZE(struct pv_physdev_apic, 16);
PV_ABI_FIELD(struct pv_physdev_apic, reg, 8);
PV_ABI_FIELD(struct pv_physdev_apic, value, 12);

struct pv_physdev_irq {
	uint32_t irq; /* IN  */
	uint32_t vector; /* OUT */
};
PV_ABI_SIZE(struct pv_physdev_irq, 8);
PV_ABI_FIELD(struct pv_physdev_irq, vector, 4);

struct pv_physdev_map_pirq {
	domid_t domid; /* IN                                           */
	uint16_t pad0;
	int32_t type; /* IN  MAP_PIRQ_TYPE_*                          */
	int32_t index; /* IN  GSI                                      */
	int32_t pirq; /* IN  wanted, or negative; OUT                 */
	int32_t bus; /* IN  bits 0-15 bus, 16-31 segment             */
	int32_t devfn; /* IN                                           */
	int32_t entry_nr; /* IN MSI-X entry, or MSI vectors; OUT vectors */
	uint32_t pad1;
	uint64_t table_base; /* IN machine address of the MSI-X table, or 0 */
};
PV_ABI_SIZE(struct pv_physdev_map_pirq, 40);
PV_ABI_FIELD(struct pv_physdev_map_pirq, type, 4);
PV_ABI_FIELD(struct pv_physdev_map_pirq, index, 8);
PV_ABI_FIELD(struct pv_physdev_map_pirq, pirq, 12);
PV_ABI_FIELD(struct pv_physdev_map_pirq, bus, 16);
PV_ABI_FIELD(struct pv_physdev_map_pirq, devfn, 20);
PV_ABI_FIELD(struct pv_physdev_map_pirq, entry_nr, 24);
PV_ABI_FIELD(struct pv_physdev_map_pirq, table_base, 32);

struct pv_physdev_unmap_pirq {
	domid_t domid; /* IN */
	uint16_t pad0;
	int32_t pirq; /* IN */
};
PV_ABI_SIZE(struct pv_physdev_unmap_pirq, 8);
PV_ABI_FIELD(struct pv_physdev_unmap_pirq, pirq, 4);

/* manage_pci_add, manage_pci_remove, restore_msi */
struct pv_physdev_manage_pci {
	uint8_t bus; /* IN */
	uint8_t devfn; /* IN */
};
PV_ABI_SIZE(struct pv_physdev_manage_pci, 2);
PV_ABI_FIELD(struct pv_physdev_manage_pci, devfn, 1);

struct pv_physdev_manage_pci_ext {
	uint8_t bus; /* IN */
	uint8_t devfn; /* IN */
	uint16_t pad0;
	uint32_t is_extfn; /* IN */
	uint32_t is_virtfn; /* IN */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn; /* IN */
	uint16_t pad1;
};
PV_ABI_SIZE(struct pv_physdev_manage_pci_ext, 16);
PV_ABI_FIELD(struct pv_physdev_manage_pci_ext, is_extfn, 4);
PV_ABI_FIELD(struct pv_physdev_manage_pci_ext, physfn, 12);

struct pv_physdev_setup_gsi {
	int32_t gsi; /* IN                    */
	uint8_t triggering; /* IN 0 edge, 1 level    */
	uint8_t polarity; /* IN 0 high, 1 low      */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_physdev_setup_gsi, 8);
PV_ABI_FIELD(struct pv_physdev_setup_gsi, triggering, 4);
PV_ABI_FIELD(struct pv_physdev_setup_gsi, polarity, 5);

struct pv_physdev_nr_pirqs {
	uint32_t nr_pirqs; /* OUT */
};
PV_ABI_SIZE(struct pv_physdev_nr_pirqs, 4);

struct pv_physdev_get_free_pirq {
	int32_t type; /* IN  MAP_PIRQ_TYPE_MSI or _GSI */
	uint32_t pirq; /* OUT                           */
};
PV_ABI_SIZE(struct pv_physdev_get_free_pirq, 8);
PV_ABI_FIELD(struct pv_physdev_get_free_pirq, pirq, 4);

struct pv_physdev_pci_mmcfg_reserved {
	uint64_t address; /* IN machine address        */
	uint16_t segment; /* IN                        */
	uint8_t start_bus; /* IN                        */
	uint8_t end_bus; /* IN                        */
	uint32_t flags; /* IN XEN_PCI_MMCFG_RESERVED */
};
PV_ABI_SIZE(struct pv_physdev_pci_mmcfg_reserved, 16);
PV_ABI_FIELD(struct pv_physdev_pci_mmcfg_reserved, segment, 8);
PV_ABI_FIELD(struct pv_physdev_pci_mmcfg_reserved, start_bus, 10);
PV_ABI_FIELD(struct pv_physdev_pci_mmcfg_reserved, flags, 12);

/* An optional uint32_t, the proximity domain, follows if XEN_PCI_DEV_PXM. */
struct pv_physdev_pci_device_add {
	uint16_t seg; /* IN */
	uint8_t bus; /* IN */
	uint8_t devfn; /* IN */
	uint32_t flags; /* IN XEN_PCI_DEV_* */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn; /* IN */
	uint16_t pad0;
};
PV_ABI_SIZE(struct pv_physdev_pci_device_add, 12);
PV_ABI_FIELD(struct pv_physdev_pci_device_add, bus, 2);
PV_ABI_FIELD(struct pv_physdev_pci_device_add, flags, 4);
PV_ABI_FIELD(struct pv_physdev_pci_device_add, physfn, 8);

/* pci_device_remove, restore_msi_ext, prepare_msix, release_msix */
struct pv_physdev_pci_device {
	uint16_t seg; /* IN */
	uint8_t bus; /* IN */
	uint8_t devfn; /* IN */
};
PV_ABI_SIZE(struct pv_physdev_pci_device, 4);
PV_ABI_FIELD(struct pv_physdev_pci_device, devfn, 3);

struct pv_physdev_dbgp_op {
	uint8_t op; /* IN PHYSDEVOP_DBGP_RESET_* */
	uint8_t bus; /* IN PHYSDEVOP_DBGP_BUS_*   */
	struct pv_physdev_pci_device pci;
};
PV_ABI_SIZE(struct pv_physdev_dbgp_op, 6);
PV_ABI_FIELD(struct pv_physdev_dbgp_op, pci, 2);

#endif /* __ASSEMBLER__ */
#endif /* PV_PHYSDEV_H */
