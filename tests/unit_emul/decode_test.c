/* SPDX-License-Identifier: MIT */
/*
 * The decoder against the assembler: the lists in stores.def and privs.def
 * are assembled with this file; each instruction must decode to what its line
 * says and to the length that the assembler gave it.
 */
#include "hv/emul/decode.h"
#include "tests/unit_time/check.h"

/* ---- assemble ------------------------------------------------------------- */
#define ASSEMBLE(id, bits, text)                                               \
	__asm__(".pushsection .rodata\n.code" #bits "\n"                       \
		"insn_" #id ": " text "\n"                                     \
		"insn_" #id "_end:\n.code64\n.popsection\n");                  \
	extern const uint8_t insn_##id[], insn_##id##_end[];
#define STORE(id, text, ...)      ASSEMBLE(s_##id, 64, text)
#define PRIV(id, bits, text, ...) ASSEMBLE(p_##id, bits, text)
#include "tests/unit_emul/stores.def"
#include "tests/unit_emul/privs.def"
#undef STORE
#undef PRIV

/* ---- expect --------------------------------------------------------------- */
struct source {
	bool imm, high;
	int64_t value;
};
#define IMM(v)  0, .source = {true, false, v}
#define HIGH(n) 0, .source = {false, true, n}

struct store_case {
	const char *text;
	const uint8_t *code, *end;
	enum emul_store_op op;
	unsigned int size;
	int reg; /* unless source says otherwise */
	struct source source;
	struct emul_mem mem;
};

#define STORE(id, text, op, size, from, ...)                                   \
	{text,                                                                 \
	 insn_s_##id,                                                          \
	 insn_s_##id##_end,                                                    \
	 EMUL_##op,                                                            \
	 size,                                                                 \
	 from,                                                                 \
	 .mem = {.base = -1,                                                   \
		 .index = -1,                                                  \
		 .scale = 1,                                                   \
		 .address_size = 8,                                            \
		 __VA_ARGS__}},
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct store_case stores[] = {
#include "tests/unit_emul/stores.def"
};

struct priv_case {
	const char *text;
	const uint8_t *code, *end;
	enum emul_mode mode;
	struct emul_priv want;
};

#define MODE(bits) ((bits) == 64 ? EMUL_MODE64 : EMUL_MODE32)
#define PRIV(id, bits, text, operation, ...)                                   \
	{text,                                                                 \
	 insn_p_##id,                                                          \
	 insn_p_##id##_end,                                                    \
	 MODE(bits),                                                           \
	 {.op = EMUL_##operation, __VA_ARGS__}},
static const struct priv_case privs[] = {
#include "tests/unit_emul/privs.def"
};
#pragma GCC diagnostic pop

static void check_mem(const char *text, const struct emul_mem *got,
		      const struct emul_mem *want)
{
	CHECK(got->base == want->base && got->index == want->index &&
		      got->scale == want->scale && got->disp == want->disp &&
		      got->segment == want->segment &&
		      got->address_size == want->address_size &&
		      got->rip_relative == want->rip_relative,
	      "%s: base %d index %d scale %d disp %ld segment %d size %d", text,
	      got->base, got->index, got->scale, got->disp, got->segment,
	      got->address_size);
}

static void stores_decode_as_they_were_assembled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		const struct store_case *c = &stores[i];
		size_t n = c->end - c->code;
		struct emul_store s;

		CHECK(emul_decode_store(c->code, n, &s), "%s", c->text);
		CHECK(s.insn.length == n, "%s: %d", c->text, s.insn.length);
		CHECK(s.op == c->op, "%s: op %d", c->text, s.op);
		CHECK(s.insn.size == c->size, "%s: %d", c->text, s.insn.size);
		CHECK(s.insn.lock == !!strstr(c->text, "lock"), "%s", c->text);
		CHECK(s.has_imm == c->source.imm, "%s", c->text);
		CHECK(s.high_byte == c->source.high, "%s", c->text);
		if (s.has_imm)
			CHECK((int64_t)s.imm == c->source.value, "%s: %lx",
			      c->text, s.imm);
		else
			CHECK(s.insn.reg == (c->source.high ? c->source.value
							    : c->reg),
			      "%s: reg %d", c->text, s.insn.reg);
		check_mem(c->text, &s.insn.mem, &c->mem);
	}
}

static void privileged_decode_as_they_were_assembled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(privs); i++) {
		const struct priv_case *c = &privs[i];
		const struct emul_insn *want = &c->want.insn;
		size_t n = c->end - c->code;
		struct emul_priv p;

		CHECK(emul_decode_priv(c->code, n, c->mode, &p), "%s", c->text);
		CHECK(p.insn.length == n, "%s: %d", c->text, p.insn.length);
		CHECK(p.op == c->want.op, "%s: op %d", c->text, p.op);
		CHECK(p.has_imm == c->want.has_imm && p.imm == c->want.imm,
		      "%s: imm %x", c->text, p.imm);
		CHECK(p.insn.rep == want->rep, "%s", c->text);
		if (want->size)
			CHECK(p.insn.size == want->size, "%s: size %d", c->text,
			      p.insn.size);
		if (want->reg)
			CHECK(p.insn.reg == want->reg, "%s: reg %d", c->text,
			      p.insn.reg);
		if (want->rm)
			CHECK(p.insn.rm == want->rm, "%s: rm %d", c->text,
			      p.insn.rm);
	}
}

static void every_shorter_reading_fails(void **state)
{
	struct emul_store s;
	struct emul_priv p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stores); i++)
		for (size_t n = stores[i].end - stores[i].code; n-- > 0;)
			CHECK(!emul_decode_store(stores[i].code, n, &s),
			      "%s at %zu bytes", stores[i].text, n);
	for (size_t i = 0; i < ARRAY_SIZE(privs); i++)
		for (size_t n = privs[i].end - privs[i].code; n-- > 0;)
			CHECK(!emul_decode_priv(privs[i].code, n, privs[i].mode,
						&p),
			      "%s at %zu bytes", privs[i].text, n);
}

static void memory_operands_of_string_io(void **state)
{
	static const uint8_t ins[] = {0x6c}, outs[] = {0x65, 0x6f};
	struct cpu_regs regs = {.rdi = 0x1000, .rsi = 0x2000};
	struct emul_bases bases = {.gs = 0x70000};
	struct emul_priv p;

	(void)state;
	assert_true(emul_decode_priv(ins, sizeof(ins), EMUL_MODE64, &p));
	assert_int_equal(emul_address(&p.insn, &regs, &bases), 0x1000);
	assert_true(emul_decode_priv(outs, sizeof(outs), EMUL_MODE64, &p));
	assert_int_equal(emul_address(&p.insn, &regs, &bases), 0x72000);
}

/* What looks like one of ours and is not. */
static void others_are_refused(void **state)
{
	static const struct {
		uint8_t code[12];
		const char *text;
	} bad[] = {
		{{0x48, 0x8b, 0x07}, "load"},
		{{0x48, 0x89, 0xc7}, "register to register"},
		{{0xf0, 0x48, 0x89, 0x07}, "lock mov"},
		{{0x48, 0x83, 0x3f, 0x00}, "cmp"},
		{{0x48, 0x0f, 0xba, 0x27, 0x05}, "bt"},
		{{0xf7, 0x07, 1, 0, 0, 0}, "test"},
		{{0xf7, 0x27}, "mul"},
		{{0xff, 0x17}, "call"},
		{{0x8f, 0x07}, "pop"},
		{{0x66, 0x0f, 0xc3, 0x07}, "movnti of 16 bits"},
		{{0x48, 0x66, 0xf4}, "not privileged: no REX is left"},
		{{0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0x31}, "prefix"},
		{{0xf0, 0x0f, 0x20, 0xc0}, "lock mov from CR"},
		{{0x66, 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2},
		 "something before the prefix"},
		{{0x0f, 0x01, 0xc1}, "vmcall"},
		{{0x0f, 0x01, 0xcb}, "stac"},
		{{0x0f, 0x00, 0x27}, "verr"},
		{{0x44, 0x0f, 0x21, 0xc0}, "DR8"},
	};
	struct emul_store s;
	struct emul_priv p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(!emul_decode_store(bad[i].code, 12, &s), "%s",
		      bad[i].text);
		if (bad[i].code[1] != 0x66) /* this one is HLT */
			CHECK(!emul_decode_priv(bad[i].code, 12, EMUL_MODE64,
						&p),
			      "%s", bad[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores_decode_as_they_were_assembled),
		cmocka_unit_test(privileged_decode_as_they_were_assembled),
		cmocka_unit_test(every_shorter_reading_fails),
		cmocka_unit_test(memory_operands_of_string_io),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
