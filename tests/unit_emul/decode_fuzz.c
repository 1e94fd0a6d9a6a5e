/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the decoders: any bytes as an instruction.
 *
 * A libFuzzer target, and a part of decode_fuzz_test.  An instruction that is
 * taken must be no longer than what was read, must decode alike without the
 * bytes behind it, and must not decode without its last byte.
 */
#include <string.h>

#include "hv/emul/decode.h"
#include "tests/lib/fuzz.h"

static void one_store(const uint8_t *code, size_t n)
{
	struct cpu_regs regs;
	struct emul_bases bases = {0x1000, 0x2000};
	struct emul_store s, again;
	uint64_t va, word = 0x0123456789abcdef, new;

	memset(&s, 0, sizeof(s));
	memset(&again, 0, sizeof(again));
	if (!emul_decode_store(code, n, &s))
		return;
	MUST(s.insn.length <= n && s.insn.length <= EMUL_MAX_LENGTH);
	MUST(!emul_decode_store(code, s.insn.length - 1u, &again));
	memset(&again, 0, sizeof(again));
	MUST(emul_decode_store(code, s.insn.length, &again));
	MUST(!memcmp(&s, &again, sizeof(s)));
	memset(&regs, 0x77, sizeof(regs));
	va = emul_store_address(&s, &regs, &bases);
	MUST(emul_store_apply(&s, va, word, &new, &regs) ==
	     ((va & 7) + s.insn.size <= 8));
}

static void one_priv(const uint8_t *code, size_t n, enum emul_mode mode)
{
	struct emul_priv p, again;

	memset(&p, 0, sizeof(p));
	memset(&again, 0, sizeof(again));
	if (!emul_decode_priv(code, n, mode, &p))
		return;
	MUST(p.insn.length <= n && p.insn.length <= EMUL_MAX_LENGTH);
	MUST(!emul_decode_priv(code, p.insn.length - 1u, mode, &again));
	memset(&again, 0, sizeof(again));
	MUST(emul_decode_priv(code, p.insn.length, mode, &again));
	MUST(!memcmp(&p, &again, sizeof(p)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one_store(data, size);
	one_priv(data, size, EMUL_MODE64);
	one_priv(data, size, EMUL_MODE32);
	return 0;
}
