/* SPDX-License-Identifier: MIT */
/*
 * The input of a fuzz target as a list of acts: a byte that says what, one that
 * says how much follows, and that.
 */
#ifndef TESTS_BACKENDS_ACTS_H
#define TESTS_BACKENDS_ACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct act_input {
	const uint8_t *at;
	size_t left;
};

struct act_one {
	unsigned int what;
	const uint8_t *data;
	size_t n;
};

/* Take the next one; false: there is none. */
static inline bool acts_next(struct act_input *in, struct act_one *act)
{
	if (in->left < 2)
		return false;
	act->what = in->at[0];
	act->n = in->at[1];
	act->data = in->at + 2;
	in->left -= 2;
	if (act->n > in->left)
		act->n = in->left;
	in->at = act->data + act->n;
	in->left -= act->n;
	return true;
}

/* For good inputs: add one; the bytes that it takes. */
static inline size_t acts_put(uint8_t *out, unsigned int what, const void *data,
			      size_t n)
{
	out[0] = (uint8_t)what;
	out[1] = (uint8_t)n;
	memcpy(out + 2, data, n);
	return 2 + n;
}

#endif
