/* SPDX-License-Identifier: MIT */
/* The room's own: reading an instruction byte by byte. */
#ifndef HV_EMUL_CURSOR_H
#define HV_EMUL_CURSOR_H

#include "hv/emul/decode.h"

struct cursor {
	const uint8_t *code;
	unsigned int n, at;
	enum emul_mode mode;
	bool bad; /* read past the end, or not decodable */
	bool opsize; /* 0x66 */
	struct emul_insn *insn;
};

void cursor_start(struct cursor *c, const uint8_t *code, size_t n,
		  enum emul_mode mode, struct emul_insn *insn);
uint8_t cursor_byte(struct cursor *c);
/* A little-endian number of @size bytes, sign-extended. */
int64_t cursor_number(struct cursor *c, unsigned int size);
void cursor_prefixes(struct cursor *c);
/* The operand size of opcodes without a byte form. */
unsigned int cursor_size(const struct cursor *c);
/* ModRM, SIB and displacement, into insn. */
void cursor_modrm(struct cursor *c);
/* True if all was there; sets the length. */
bool cursor_end(struct cursor *c);

#endif /* HV_EMUL_CURSOR_H */
