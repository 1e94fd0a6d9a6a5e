/* SPDX-License-Identifier: MIT */
/*
 * Stores to read-only page tables: what a kernel's compiler emits to set,
 * exchange or change bits of an entry, down to single bytes (a constant bit
 * is cleared by "lock andb").
 *
 * Decoding and applying are apart: between them the caller finds the entry,
 * checks the new value and takes its locks.  LOCK itself is the caller's to
 * honour: it exchanges the whole word.
 *
 * PURE  HOSTILE: the bytes, the registers and the old word are the guest's.
 */
#include "hv/emul/cursor.h"

/* ---- decode --------------------------------------------------------------- */

static bool set(struct emul_store *s, enum emul_store_op op, unsigned int size)
{
	s->op = op;
	s->insn.size = size;
	return true;
}

static bool take_imm(struct cursor *c, struct emul_store *s, unsigned int size)
{
	s->has_imm = true;
	s->imm = (uint64_t)cursor_number(c, size);
	return true;
}

/* Two-byte opcodes, 0f xx. */
static bool decode_0f(struct cursor *c, struct emul_store *s)
{
	uint8_t op = cursor_byte(c);
	unsigned int size = op & 1 ? cursor_size(c) : 1;

	cursor_modrm(c);
	switch (op) {
	case 0xb0:
	case 0xb1:
		return set(s, EMUL_CMPXCHG, size);
	case 0xc0:
	case 0xc1:
		return set(s, EMUL_XADD, size);
	case 0xc3: /* movnti; the prefixes make it something else */
		return !c->opsize && !s->insn.rep && !s->insn.repne &&
		       set(s, EMUL_MOV, size);
	case 0xab:
		return set(s, EMUL_BTS, size);
	case 0xb3:
		return set(s, EMUL_BTR, size);
	case 0xbb:
		return set(s, EMUL_BTC, size);
	case 0xba:
		if ((s->insn.reg & 7) < 5)
			return false;
		set(s, EMUL_BTS + (s->insn.reg & 7) - 5, cursor_size(c));
		take_imm(c, s, 1);
		s->imm &= s->insn.size * 8 - 1;
		return true;
	default:
		return false;
	}
}

/* 80-83, c6-c7, f6-f7, fe-ff: the ModRM reg field says which. */
static bool decode_group(struct cursor *c, struct emul_store *s, uint8_t op,
			 unsigned int size)
{
	unsigned int which = s->insn.reg & 7;

	switch (op) {
	case 0x80:
	case 0x81:
	case 0x83: /* 7 is CMP: no store */
		return which < 7 && set(s, which, size) &&
		       take_imm(c, s, op == 0x81 ? min(size, 4u) : 1);
	case 0xc6:
	case 0xc7:
		return which == 0 && set(s, EMUL_MOV, size) &&
		       take_imm(c, s, min(size, 4u));
	case 0xf6:
	case 0xf7:
		return (which & 6) == 2 && set(s, EMUL_NOT + (which & 1), size);
	case 0xfe:
	case 0xff:
		return which < 2 && set(s, EMUL_INC + which, size);
	default:
		return false;
	}
}

static bool decode_one(struct cursor *c, struct emul_store *s)
{
	uint8_t op = cursor_byte(c);
	unsigned int size = op & 1 ? cursor_size(c) : 1;

	if (op == 0x0f)
		return decode_0f(c, s);
	if (op == 0xa2 || op == 0xa3) { /* mov %rax, moffs */
		s->insn.mem.disp = cursor_number(c, s->insn.mem.address_size);
		return set(s, EMUL_MOV, size);
	}
	cursor_modrm(c);
	if (op < 0x38 && (op & 6) == 0) /* "op r/m, r" */
		return set(s, op >> 3, size);
	switch (op) {
	case 0x86:
	case 0x87:
		return set(s, EMUL_XCHG, size);
	case 0x88:
	case 0x89:
		return set(s, EMUL_MOV, size);
	default:
		return decode_group(c, s, op, size);
	}
}

bool emul_decode_store(const uint8_t *code, size_t n, struct emul_store *out)
{
	struct emul_insn *i = &out->insn;
	struct cursor c;

	out->has_imm = out->high_byte = false;
	out->imm = 0;
	cursor_start(&c, code, n, EMUL_MODE64, i);
	cursor_prefixes(&c);
	if (!decode_one(&c, out) || !cursor_end(&c))
		return false;
	if (i->mod_reg || (i->lock && out->op == EMUL_MOV))
		return false;
	if (i->size == 1 && !i->rex && i->reg >= 4 && !out->has_imm) {
		out->high_byte = true;
		i->reg -= 4;
	}
	return true;
}

/* ---- apply ---------------------------------------------------------------- */

#define FLAG_CF 0x001
#define FLAG_PF 0x004
#define FLAG_AF 0x010
#define FLAG_ZF 0x040
#define FLAG_SF 0x080
#define FLAG_OF 0x800

static uint64_t mask_of(unsigned int size)
{
	return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static uint64_t flags_of(uint64_t v, unsigned int size)
{
	uint64_t f = 0;

	if (!(v & mask_of(size)))
		f |= FLAG_ZF;
	if (v >> (8 * size - 1) & 1)
		f |= FLAG_SF;
	if (!__builtin_parity(v & 0xff))
		f |= FLAG_PF;
	return f;
}

/* a + b + carry, or a - b - carry, with all six flags. */
static uint64_t add(uint64_t a, uint64_t b, bool carry, unsigned int size,
		    uint64_t *flags)
{
	uint64_t r = (a + b + carry) & mask_of(size), sign = 8 * size - 1;

	*flags = flags_of(r, size) | ((a ^ b ^ r) & FLAG_AF);
	if (r < a || (carry && r == a))
		*flags |= FLAG_CF;
	if (((a ^ r) & (b ^ r)) >> sign & 1)
		*flags |= FLAG_OF;
	return r;
}

static uint64_t sub(uint64_t a, uint64_t b, bool carry, unsigned int size,
		    uint64_t *flags)
{
	uint64_t r = (a - b - carry) & mask_of(size), sign = 8 * size - 1;

	*flags = flags_of(r, size) | ((a ^ b ^ r) & FLAG_AF);
	if (a < b || (carry && a == b))
		*flags |= FLAG_CF;
	if (((a ^ b) & (a ^ r)) >> sign & 1)
		*flags |= FLAG_OF;
	return r;
}

struct result {
	uint64_t value, flags, changed; /* which flags */
};

#define ALL_FLAGS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

static struct result arithmetic(enum emul_store_op op, uint64_t a, uint64_t b,
				bool carry, unsigned int size)
{
	struct result r = {.changed = ALL_FLAGS};

	switch (op) {
	case EMUL_OR:
		r.value = a | b;
		break;
	case EMUL_AND:
		r.value = a & b;
		break;
	case EMUL_XOR:
		r.value = a ^ b;
		break;
	case EMUL_ADC:
		r.value = add(a, b, carry, size, &r.flags);
		return r;
	case EMUL_SBB:
		r.value = sub(a, b, carry, size, &r.flags);
		return r;
	case EMUL_SUB:
		r.value = sub(a, b, false, size, &r.flags);
		return r;
	case EMUL_INC: /* these two keep CF */
		r.value = add(a, 1, false, size, &r.flags);
		r.changed &= ~FLAG_CF;
		return r;
	case EMUL_DEC:
		r.value = sub(a, 1, false, size, &r.flags);
		r.changed &= ~FLAG_CF;
		return r;
	case EMUL_NEG:
		r.value = sub(0, a, false, size, &r.flags);
		return r;
	default: /* EMUL_ADD, EMUL_XADD */
		r.value = add(a, b, false, size, &r.flags);
		return r;
	}
	r.flags = flags_of(r.value, size);
	return r;
}

static struct result bit_op(enum emul_store_op op, uint64_t a, unsigned int bit)
{
	uint64_t m = 1ull << bit;
	struct result r = {.changed = FLAG_CF, .flags = a & m ? FLAG_CF : 0};

	r.value = op == EMUL_BTS ? a | m : op == EMUL_BTR ? a & ~m : a ^ m;
	return r;
}

static uint64_t source(const struct emul_store *s, struct cpu_regs *regs)
{
	uint64_t v;

	if (s->has_imm)
		return s->imm;
	v = *emul_reg(regs, s->insn.reg);
	return s->high_byte ? v >> 8 : v;
}

static void write_source(const struct emul_store *s, struct cpu_regs *regs,
			 uint64_t v)
{
	uint64_t *r = emul_reg(regs, s->insn.reg);

	if (s->high_byte)
		*r = (*r & ~0xff00ull) | (v & 0xff) << 8;
	else
		emul_reg_write(regs, s->insn.reg, s->insn.size, v);
}

/* @a is the memory operand, @b the source, both of the operand's size. */
static struct result operate(const struct emul_store *s, uint64_t a, uint64_t b,
			     struct cpu_regs *regs)
{
	unsigned int size = s->insn.size;
	struct result r = {.value = b};

	switch (s->op) {
	case EMUL_MOV:
		return r;
	case EMUL_NOT:
		r.value = ~a;
		return r;
	case EMUL_XCHG:
		write_source(s, regs, a);
		return r;
	case EMUL_XADD:
		r = arithmetic(EMUL_XADD, a, b, false, size);
		write_source(s, regs, a);
		return r;
	case EMUL_CMPXCHG:
		r = arithmetic(EMUL_SUB, regs->rax & mask_of(size), a, false,
			       size);
		r.value = r.flags & FLAG_ZF ? b : a;
		if (!(r.flags & FLAG_ZF))
			emul_reg_write(regs, 0, size, a);
		return r;
	case EMUL_BTS:
	case EMUL_BTR:
	case EMUL_BTC:
		return bit_op(s->op, a, b & (8 * size - 1));
	default:
		return arithmetic(s->op, a, b, regs->rflags & FLAG_CF, size);
	}
}

uint64_t emul_store_address(const struct emul_store *s, struct cpu_regs *regs,
			    const struct emul_bases *bases)
{
	const struct emul_insn *i = &s->insn;
	struct emul_insn moved = *i;
	uint64_t bit;

	if (s->has_imm || s->op < EMUL_BTS || s->op > EMUL_BTC)
		return emul_address(i, regs, bases);
	/* The register is a signed offset, in bits, from the operand. */
	bit = *emul_reg(regs, i->reg);
	if (i->size == 4)
		bit = (uint64_t)(int64_t)(int32_t)bit;
	else if (i->size == 2)
		bit = (uint64_t)(int64_t)(int16_t)bit;
	moved.mem.disp += ((int64_t)bit >> 3) & ~((int64_t)i->size - 1);
	return emul_address(&moved, regs, bases);
}

bool emul_store_apply(const struct emul_store *s, uint64_t va, uint64_t old,
		      uint64_t *new, struct cpu_regs *regs)
{
	unsigned int size = s->insn.size, shift = 8 * (va & 7);
	uint64_t mask = mask_of(size);
	struct result r;

	if ((va & 7) + size > 8)
		return false;
	r = operate(s, old >> shift & mask, source(s, regs) & mask, regs);
	*new = (old & ~(mask << shift)) | (r.value & mask) << shift;
	regs->rflags = (regs->rflags & ~r.changed) | (r.flags & r.changed);
	regs->rip += s->insn.length;
	return true;
}
