/* SPDX-License-Identifier: MIT */
/*
 * What instructions have in common: prefixes, ModRM, addresses.
 *
 * A cursor walks the bytes; running off the end only marks it bad, so callers
 * check once, at the end.  SDM 2A 2.1-2.2.
 *
 * PURE
 */
#include "hv/emul/cursor.h"
#include "hv/lib/string.h"

void cursor_start(struct cursor *c, const uint8_t *code, size_t n,
		  enum emul_mode mode, struct emul_insn *insn)
{
	memset(insn, 0, sizeof(*insn));
	insn->mem.base = insn->mem.index = EMUL_NO_REG;
	insn->mem.scale = 1;
	insn->mem.address_size = mode == EMUL_MODE64 ? 8 : 4;
	*c = (struct cursor){.code = code, .mode = mode, .insn = insn};
	c->n = min(n, (size_t)EMUL_MAX_LENGTH);
}

uint8_t cursor_byte(struct cursor *c)
{
	if (c->at < c->n)
		return c->code[c->at++];
	c->bad = true;
	return 0;
}

int64_t cursor_number(struct cursor *c, unsigned int size)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < size; i++)
		v |= (uint64_t)cursor_byte(c) << (8 * i);
	if (size < 8 && v >> (8 * size - 1))
		v |= ~0ull << (8 * size);
	return (int64_t)v;
}

/* True if @b is a legacy prefix, which is then noted. */
static bool take_prefix(struct cursor *c, uint8_t b)
{
	struct emul_insn *i = c->insn;

	switch (b) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		/* ES, CS, SS, DS; without effect in 64-bit mode */
		if (c->mode == EMUL_MODE32)
			i->mem.segment = EMUL_ES + ((b >> 3) & 3);
		return true;
	case 0x64:
	case 0x65:
		i->mem.segment = EMUL_FS + (b & 1);
		return true;
	case 0x66:
		c->opsize = true;
		return true;
	case 0x67:
		i->mem.address_size = c->mode == EMUL_MODE64 ? 4 : 2;
		return true;
	case 0xf0:
		i->lock = true;
		return true;
	case 0xf2: /* of several, the last one counts */
	case 0xf3:
		i->repne = b == 0xf2;
		i->rep = b == 0xf3;
		return true;
	default:
		return false;
	}
}

void cursor_prefixes(struct cursor *c)
{
	uint8_t b = 0;

	while (c->at < c->n && take_prefix(c, b = c->code[c->at]))
		c->at++;
	/* REX counts only right before the opcode. */
	if (c->mode == EMUL_MODE64 && c->at < c->n && (b & 0xf0) == 0x40)
		c->insn->rex = c->code[c->at++];
}

unsigned int cursor_size(const struct cursor *c)
{
	return c->insn->rex & 8 ? 8 : c->opsize ? 2 : 4;
}

static void take_sib(struct cursor *c, uint8_t mod)
{
	struct emul_mem *m = &c->insn->mem;
	uint8_t sib = cursor_byte(c), rex = c->insn->rex;

	m->scale = 1 << (sib >> 6);
	m->index = (sib >> 3 & 7) | (rex & 2 ? 8 : 0);
	if (m->index == 4)
		m->index = EMUL_NO_REG;
	m->base = (sib & 7) | (rex & 1 ? 8 : 0);
	if ((sib & 7) == 5 && mod == 0) {
		m->base = EMUL_NO_REG;
		m->disp = cursor_number(c, 4);
	}
}

void cursor_modrm(struct cursor *c)
{
	struct emul_insn *i = c->insn;
	uint8_t b = cursor_byte(c), mod = b >> 6, rm = b & 7;

	i->reg = (b >> 3 & 7) | (i->rex & 4 ? 8 : 0);
	i->rm = rm | (i->rex & 1 ? 8 : 0);
	if (mod == 3) {
		i->mod_reg = true;
		return;
	}
	if (i->mem.address_size == 2) {
		c->bad = true;
		return;
	}
	if (rm == 4) {
		take_sib(c, mod);
	} else if (rm == 5 && mod == 0) {
		i->mem.rip_relative = c->mode == EMUL_MODE64;
		i->mem.disp = cursor_number(c, 4);
	} else {
		i->mem.base = i->rm;
	}
	if (mod == 1)
		i->mem.disp = cursor_number(c, 1);
	else if (mod == 2)
		i->mem.disp = cursor_number(c, 4);
}

bool cursor_end(struct cursor *c)
{
	c->insn->length = c->at;
	return !c->bad;
}

uint64_t *emul_reg(struct cpu_regs *r, int reg)
{
	uint64_t *const by_number[16] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
		&r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
		&r->r12, &r->r13, &r->r14, &r->r15,
	};

	return by_number[reg & 15];
}

void emul_reg_write(struct cpu_regs *regs, int reg, unsigned int size,
		    uint64_t value)
{
	uint64_t *r = emul_reg(regs, reg);

	switch (size) {
	case 1:
		*r = (*r & ~0xffull) | (uint8_t)value;
		return;
	case 2:
		*r = (*r & ~0xffffull) | (uint16_t)value;
		return;
	case 4:
		*r = (uint32_t)value;
		return;
	default:
		*r = value;
	}
}

uint64_t emul_address(const struct emul_insn *insn, struct cpu_regs *regs,
		      const struct emul_bases *bases)
{
	const struct emul_mem *m = &insn->mem;
	uint64_t a = (uint64_t)m->disp;

	if (m->rip_relative)
		a += regs->rip + insn->length;
	if (m->base != EMUL_NO_REG)
		a += *emul_reg(regs, m->base);
	if (m->index != EMUL_NO_REG)
		a += *emul_reg(regs, m->index) * m->scale;
	if (m->address_size == 4)
		a = (uint32_t)a;
	if (m->segment == EMUL_FS)
		a += bases->fs;
	else if (m->segment == EMUL_GS)
		a += bases->gs;
	return a;
}
