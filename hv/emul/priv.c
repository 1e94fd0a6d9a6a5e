/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions: those that fault in ring 1, or in ring 3 for a
 * user program that was given port access, and the prefixed CPUID.
 *
 * PURE  HOSTILE: the bytes are the guest's.
 */
#include "hv/emul/cursor.h"

static bool is(struct emul_priv *p, enum emul_priv_op op)
{
	p->op = op;
	return true;
}

/* 0f 00 and 0f 01: the ModRM byte says which. */
static bool decode_system(struct cursor *c, struct emul_priv *p, uint8_t group)
{
	static const int8_t table[2][8] = {
		{EMUL_SLDT, EMUL_STR, EMUL_LLDT, EMUL_LTR, -1, -1, -1, -1},
		{EMUL_SGDT, EMUL_SIDT, EMUL_LGDT, EMUL_LIDT, EMUL_SMSW, -1,
		 EMUL_LMSW, EMUL_INVLPG},
	};
	unsigned int modrm = c->at < c->n ? c->code[c->at] : 0, which;

	cursor_modrm(c);
	which = p->insn.reg & 7;
	p->insn.size = p->insn.mod_reg ? cursor_size(c) : 2;
	if (!group || !p->insn.mod_reg || which == 4 || which == 6)
		return table[group][which] >= 0 && is(p, table[group][which]);
	switch (modrm) {
	case 0xd0:
		return is(p, EMUL_XGETBV);
	case 0xd1:
		return is(p, EMUL_XSETBV);
	case 0xf8:
		return c->mode == EMUL_MODE64 && is(p, EMUL_SWAPGS);
	case 0xf9:
		return is(p, EMUL_RDTSCP);
	default:
		return false;
	}
}

/* Moves of control and debug registers have no memory form: mod is ignored. */
static bool decode_move(struct cursor *c, struct emul_priv *p, uint8_t op)
{
	uint8_t b = cursor_byte(c), rex = p->insn.rex;

	p->insn.mod_reg = true;
	p->insn.reg = (b >> 3 & 7) | (rex & 4 ? 8 : 0);
	p->insn.rm = (b & 7) | (rex & 1 ? 8 : 0);
	p->insn.size = c->mode == EMUL_MODE64 ? 8 : 4;
	switch (op) {
	case 0x20:
		return is(p, EMUL_READ_CR);
	case 0x21:
		return p->insn.reg < 8 && is(p, EMUL_READ_DR);
	case 0x22:
		return is(p, EMUL_WRITE_CR);
	default:
		return p->insn.reg < 8 && is(p, EMUL_WRITE_DR);
	}
}

static bool decode_forced(struct cursor *c, struct emul_priv *p)
{
	static const uint8_t rest[] = {'x', 'e', 'n', 0x0f, 0xa2};

	if (c->at != 2) /* the prefix comes first or is none */
		return false;
	for (unsigned int i = 0; i < sizeof(rest); i++)
		if (cursor_byte(c) != rest[i])
			return false;
	return is(p, EMUL_FORCED_CPUID);
}

static bool decode_0f(struct cursor *c, struct emul_priv *p)
{
	uint8_t op = cursor_byte(c);

	switch (op) {
	case 0x00:
	case 0x01:
		return decode_system(c, p, op);
	case 0x06:
		return is(p, EMUL_CLTS);
	case 0x07:
		p->insn.size = p->insn.rex & 8 ? 8 : 4;
		return is(p, EMUL_SYSRET);
	case 0x08:
		return is(p, EMUL_INVD);
	case 0x09:
		return is(p, EMUL_WBINVD);
	case 0x0b:
		return decode_forced(c, p);
	case 0x20 ... 0x23:
		return decode_move(c, p, op);
	case 0x30:
		return is(p, EMUL_WRMSR);
	case 0x31:
		return is(p, EMUL_RDTSC);
	case 0x32:
		return is(p, EMUL_RDMSR);
	case 0x33:
		return is(p, EMUL_RDPMC);
	case 0x35:
		p->insn.size = p->insn.rex & 8 ? 8 : 4;
		return is(p, EMUL_SYSEXIT);
	case 0xa2:
		return is(p, EMUL_CPUID);
	default:
		return false;
	}
}

static bool decode_port(struct cursor *c, struct emul_priv *p, uint8_t op)
{
	p->insn.size = !(op & 1) ? 1 : c->opsize ? 2 : 4;
	if (op < 0x70) { /* ins, outs */
		p->insn.mem.base = op & 2 ? 6 : 7;
		if (!(op & 2))
			p->insn.mem.segment = EMUL_ES;
		return p->insn.mem.address_size != 2 &&
		       is(p, op & 2 ? EMUL_OUTS : EMUL_INS);
	}
	p->has_imm = op < 0xe8;
	if (p->has_imm)
		p->imm = cursor_byte(c);
	return is(p, op & 2 ? EMUL_OUT : EMUL_IN);
}

static bool decode_one(struct cursor *c, struct emul_priv *p)
{
	uint8_t op = cursor_byte(c);

	switch (op) {
	case 0x0f:
		return decode_0f(c, p);
	case 0x6c ... 0x6f:
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
		return decode_port(c, p, op);
	case 0x9c:
	case 0x9d:
		p->insn.size = c->opsize ? 2 : c->mode == EMUL_MODE64 ? 8 : 4;
		return is(p, op & 1 ? EMUL_POPF : EMUL_PUSHF);
	case 0xcf:
		p->insn.size = cursor_size(c);
		return is(p, EMUL_IRET);
	case 0xf4:
		return is(p, EMUL_HLT);
	case 0xfa:
		return is(p, EMUL_CLI);
	case 0xfb:
		return is(p, EMUL_STI);
	default:
		return false;
	}
}

bool emul_decode_priv(const uint8_t *code, size_t n, enum emul_mode mode,
		      struct emul_priv *out)
{
	struct cursor c;

	out->has_imm = false;
	out->imm = 0;
	cursor_start(&c, code, n, mode, &out->insn);
	cursor_prefixes(&c);
	return decode_one(&c, out) && cursor_end(&c) && !out->insn.lock;
}
