/* SPDX-License-Identifier: MIT */
/*
 * Decoding the instructions of a guest that fault: stores to page tables and
 * privileged instructions.
 */
#ifndef HV_EMUL_DECODE_H
#define HV_EMUL_DECODE_H

#include "hv/lib/regs.h"

#define EMUL_MAX_LENGTH 15

enum emul_mode {
	EMUL_MODE32,
	EMUL_MODE64
}; /* of the code segment */

enum emul_segment {
	EMUL_SEG_DEFAULT,
	EMUL_ES,
	EMUL_CS,
	EMUL_SS,
	EMUL_DS,
	EMUL_FS,
	EMUL_GS,
};

/* Registers by their number in instructions: 0 rax .. 15 r15. */
#define EMUL_NO_REG (-1)
uint64_t *emul_reg(struct cpu_regs *regs, int reg);
/* Write a register as an instruction of that operand size does. */
void emul_reg_write(struct cpu_regs *regs, int reg, unsigned int size,
		    uint64_t value);

/* A memory operand; base and index may be EMUL_NO_REG. */
struct emul_mem {
	int8_t base, index;
	uint8_t scale; /* 1, 2, 4, 8 */
	uint8_t segment; /* an override, enum emul_segment */
	uint8_t address_size; /* bytes: 2 (refused), 4, 8 */
	bool rip_relative;
	int64_t disp;
};

/* What every decoded instruction has. */
struct emul_insn {
	uint8_t length;
	uint8_t size; /* of the operand, bytes */
	bool lock, rep, repne;
	uint8_t rex;
	bool mod_reg; /* the r/m operand is a register, rm */
	int8_t reg, rm;
	struct emul_mem mem; /* else */
};

/* Segment bases that a 64-bit guest has. */
struct emul_bases {
	uint64_t fs, gs;
};

/* The linear address of @insn's memory operand; regs->rip is at @insn. */
uint64_t emul_address(const struct emul_insn *insn, struct cpu_regs *regs,
		      const struct emul_bases *bases);

/* ---- stores --------------------------------------------------------------- */
enum emul_store_op {
	/* 0..7 are numbered as in the instruction set */
	EMUL_ADD,
	EMUL_OR,
	EMUL_ADC,
	EMUL_SBB,
	EMUL_AND,
	EMUL_SUB,
	EMUL_XOR,
	EMUL_MOV,
	EMUL_XCHG,
	EMUL_CMPXCHG,
	EMUL_XADD,
	EMUL_BTS,
	EMUL_BTR,
	EMUL_BTC,
	EMUL_INC,
	EMUL_DEC,
	EMUL_NOT,
	EMUL_NEG,
};

struct emul_store {
	struct emul_insn insn;
	enum emul_store_op op;
	bool has_imm; /* the source is imm, not insn.reg            */
	bool high_byte; /* the source is AH, CH, DH, BH             */
	uint64_t imm; /* sign-extended; a bit offset for EMUL_BT*   */
};

/* Decode the 64-bit store at @code (@n readable bytes).  False: not one. */
bool emul_decode_store(const uint8_t *code, size_t n, struct emul_store *out);

/* Where it stores: unlike emul_address it counts a register's bit offset. */
uint64_t emul_store_address(const struct emul_store *s, struct cpu_regs *regs,
			    const struct emul_bases *bases);

/*
 * Apply the store at address @va to the aligned 8-byte word @old that holds
 * it: *new is the word after, @regs get the register and flags results and
 * the next instruction's address.  False, with nothing changed: the operand
 * crosses the word.  To retry after a lost race, keep a copy of @regs.
 */
bool emul_store_apply(const struct emul_store *s, uint64_t va, uint64_t old,
		      uint64_t *new, struct cpu_regs *regs);

/* ---- privileged instructions ---------------------------------------------- */
enum emul_priv_op {
	EMUL_RDMSR,
	EMUL_WRMSR,
	EMUL_READ_CR, /* insn.reg: which; insn.rm: the general register */
	EMUL_WRITE_CR,
	EMUL_READ_DR,
	EMUL_WRITE_DR,
	EMUL_CLTS,
	EMUL_INVD,
	EMUL_WBINVD,
	EMUL_HLT,
	EMUL_CLI,
	EMUL_STI,
	EMUL_IN, /* port: imm or DX */
	EMUL_OUT,
	EMUL_INS, /* memory operand at (E/R)DI, ES */
	EMUL_OUTS, /* memory operand at (E/R)SI, DS or override */
	EMUL_SGDT,
	EMUL_SIDT,
	EMUL_LGDT,
	EMUL_LIDT,
	EMUL_SLDT,
	EMUL_STR,
	EMUL_LLDT,
	EMUL_LTR,
	EMUL_SMSW,
	EMUL_LMSW,
	EMUL_INVLPG,
	EMUL_SWAPGS,
	EMUL_RDTSC,
	EMUL_RDTSCP,
	EMUL_RDPMC,
	EMUL_XGETBV,
	EMUL_XSETBV,
	EMUL_CPUID,
	EMUL_FORCED_CPUID, /* 0f 0b 78 65 6e, then CPUID */
	EMUL_IRET,
	EMUL_SYSRET,
	EMUL_SYSEXIT,
	EMUL_PUSHF,
	EMUL_POPF,
};

struct emul_priv {
	struct emul_insn insn;
	enum emul_priv_op op;
	bool has_imm;
	uint8_t imm; /* port */
};

/* Decode the privileged instruction at @code.  False: not one. */
bool emul_decode_priv(const uint8_t *code, size_t n, enum emul_mode mode,
		      struct emul_priv *out);

#endif /* HV_EMUL_DECODE_H */
