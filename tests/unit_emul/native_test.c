/* SPDX-License-Identifier: MIT */
/*
 * emul_store_apply() against the processor: random encodings of stores are
 * executed on this machine and emulated; memory, registers, flags and the
 * instruction's length must come out the same.
 */
#include <sys/mman.h>

#include "hv/emul/decode.h"
#include "tests/unit_time/check.h"

#define ROUNDS 400000
#define AREA   4096
#define FLAGS  0x8d5 /* OF SF ZF AF PF CF */

void native_run(struct cpu_regs *regs, void *code);
extern const char native_back[];

_Static_assert(offsetof(struct cpu_regs, rflags) == 152, "native_run.S");

/* Below 4 GiB, so that 32-bit addresses reach it. */
static uint8_t *code, *data;

static void map_areas(void)
{
	uint8_t *p = mmap(NULL, 3 * AREA, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	assert_true(p != MAP_FAILED);
	code = p;
	data = p + AREA;
}

static const uint8_t one_byte[] = {0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18,
				   0x19, 0x20, 0x21, 0x28, 0x29, 0x30, 0x31,
				   0x80, 0x81, 0x83, 0x86, 0x87, 0x88, 0x89,
				   0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff};
static const uint8_t two_byte[] = {0xb0, 0xb1, 0xc0, 0xc1, 0xab,
				   0xb3, 0xbb, 0xba, 0xc3};

/* Prefixes, opcode, a memory operand: a store more often than not. */
static size_t make_code(uint64_t *seed, uint8_t *out)
{
	uint64_t r = chance(seed);
	size_t n = 0;
	uint8_t modrm;

	if (r & 1)
		out[n++] = 0xf0;
	if ((r & 6) == 6)
		out[n++] = 0x66;
	if ((r & 0x38) == 0x38)
		out[n++] = 0x67;
	if ((r & 0x1c0) == 0x1c0)
		out[n++] = r & 0x200 ? 0x2e : 0xf3;
	if (r & 0x400)
		out[n++] = 0x40 | (r >> 12 & 15);
	r = chance(seed);
	if (r & 1) {
		out[n++] = 0x0f;
		out[n++] = two_byte[(r >> 8) % sizeof(two_byte)];
	} else {
		out[n++] = one_byte[(r >> 8) % sizeof(one_byte)];
	}
	modrm = r >> 32;
	if (modrm >= 0xc0)
		modrm &= 0x7f;
	out[n++] = modrm;
	while (n < 15)
		out[n++] = chance(seed);
	return n;
}

/* Give the operand's registers values that point into the area. */
static bool aim(struct emul_store *s, struct cpu_regs *regs, uint64_t *seed,
		uint64_t *va)
{
	struct emul_bases none = {0};
	struct emul_mem *m = &s->insn.mem;
	uint64_t want = (uint64_t)data + AREA / 2 + (chance(seed) & 0x3f);
	bool bits = s->op >= EMUL_BTS && s->op <= EMUL_BTC && !s->has_imm;

	if (m->segment != EMUL_SEG_DEFAULT || m->base == 4 ||
	    (s->insn.reg == 4 && !s->high_byte))
		return false;
	if (m->index != EMUL_NO_REG)
		*emul_reg(regs, m->index) = chance(seed) & 0xff;
	if (bits)
		*emul_reg(regs, s->insn.reg) =
			(int64_t)chance_in(seed, 0, 2047) - 1024;
	*va = emul_store_address(s, regs, &none);
	if (m->base != EMUL_NO_REG && m->base != m->index &&
	    !(bits && s->insn.reg == m->base))
		*emul_reg(regs, m->base) += want - *va;
	else if (m->rip_relative)
		return false; /* decode_test has those */
	*va = emul_store_address(s, regs, &none);
	return *va - (uint64_t)data <= AREA - 8;
}

/* Where instruction sets leave flags open, processors differ. */
static uint64_t defined_flags(enum emul_store_op op)
{
	switch (op) {
	case EMUL_AND:
	case EMUL_OR:
	case EMUL_XOR:
		return FLAGS & ~0x10;
	case EMUL_BTS:
	case EMUL_BTR:
	case EMUL_BTC:
		return 1;
	default:
		return FLAGS;
	}
}

static void randomise(uint64_t *seed, struct cpu_regs *regs)
{
	uint64_t *r = (uint64_t *)regs;

	for (size_t i = 0; i < sizeof(*regs) / 8; i++)
		r[i] = chance(seed);
	if (chance(seed) & 1) /* let comparisons succeed at times */
		memset(data + AREA / 2, 0, 128), regs->rax = 0;
	regs->rflags = (regs->rflags & FLAGS) | 0x202;
	regs->rip = (uint64_t)code;
}

static void put_code(const struct emul_store *s, const uint8_t *bytes)
{
	uint64_t to = (uint64_t)native_back;
	size_t n = s->insn.length;

	memcpy(code, bytes, n);
	memcpy(code + n, (uint8_t[]){0xff, 0x25, 0, 0, 0, 0}, 6);
	memcpy(code + n + 6, &to, 8);
}

static bool one_round(uint64_t *seed)
{
	uint8_t bytes[16], before[AREA], after[AREA];
	struct cpu_regs regs, real, was;
	uint64_t start = *seed, va, word, new, mask;
	struct emul_store s;

	if (!emul_decode_store(bytes, make_code(seed, bytes), &s))
		return false;
	for (size_t i = 0; i < AREA; i++)
		data[i] = i % 64 ? 0x5a : chance(seed);
	randomise(seed, &regs);
	if (!aim(&s, &regs, seed, &va))
		return false;
	was = real = regs;
	memcpy(before, data, AREA);
	memcpy(&word, data + ((va & ~7ull) - (uint64_t)data), 8);
	if (!emul_store_apply(&s, va, word, &new, &regs)) {
		CHECK((va & 7) + s.insn.size > 8, "seed %lx: refused", start);
		assert_memory_equal(&regs, &was, sizeof(regs));
		return false;
	}
	put_code(&s, bytes);
	native_run(&real, code);
	memcpy(after, data, AREA);
	memcpy(before + ((va & ~7ull) - (uint64_t)data), &new, 8);
	CHECK(!memcmp(before, after, AREA), "seed %lx op %d: memory", start,
	      s.op);
	mask = defined_flags(s.op);
	CHECK(((real.rflags ^ regs.rflags) & mask) == 0,
	      "seed %lx op %d size %d: flags %lx, here %lx", start, s.op,
	      s.insn.size, real.rflags, regs.rflags);
	CHECK(regs.rip == was.rip + s.insn.length, "seed %lx", start);
	CHECK(!memcmp(&real, &regs, offsetof(struct cpu_regs, entry)),
	      "seed %lx op %d size %d: registers", start, s.op, s.insn.size);
	return true;
}

static void stores_do_what_the_processor_does(void **state)
{
	uint64_t seed = 0x5eed;
	unsigned int done = 0;

	(void)state;
	map_areas();
	for (unsigned int i = 0; i < ROUNDS; i++)
		done += one_round(&seed);
	print_message("# %u of %u encodings were stores\n", done, ROUNDS);
	assert_true(done > ROUNDS / 8);
}

static void an_operand_across_words_is_refused(void **state)
{
	static const uint8_t insn[] = {0x48, 0x89, 0x07};
	struct cpu_regs regs = {.rax = 1, .rip = 0x1000};
	struct emul_store s;
	uint64_t new = 77;

	(void)state;
	assert_true(emul_decode_store(insn, sizeof(insn), &s));
	for (uint64_t va = 0; va < 16; va++)
		assert_int_equal(emul_store_apply(&s, va, 0, &new, &regs),
				 va % 8 == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores_do_what_the_processor_does),
		cmocka_unit_test(an_operand_across_words_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
