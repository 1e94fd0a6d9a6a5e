/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, FIPS 180-4.  Used to name cached kernels by their content: a file
 * that an attacker made must not pass for another one.
 *
 * PURE
 */
#include "tools/build/sha256.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 64

/* FIPS 180-4 section 4.2.2: cube roots of the first 64 primes. */
static const uint32_t round_key[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Section 5.3.3: square roots of the first 8. */
static const uint32_t initial[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotate(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static void expand(uint32_t w[64], const uint8_t *block)
{
	uint32_t a, b;

	for (unsigned int i = 0; i < 16; i++, block += 4)
		w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 |
		       (uint32_t)block[2] << 8 | block[3];
	for (unsigned int i = 16; i < 64; i++) {
		a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^
		    w[i - 15] >> 3;
		b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^
		    w[i - 2] >> 10;
		w[i] = w[i - 16] + a + w[i - 7] + b;
	}
}

/* h[0] to h[7] are a to h of section 6.2.2. */
static void take_block(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[64], h[8], t1, t2;

	expand(w, block);
	memcpy(h, state, sizeof(h));
	for (unsigned int i = 0; i < 64; i++) {
		t1 = h[7] + round_key[i] + w[i] +
		     (rotate(h[4], 6) ^ rotate(h[4], 11) ^ rotate(h[4], 25)) +
		     ((h[4] & h[5]) ^ (~h[4] & h[6]));
		t2 = (rotate(h[0], 2) ^ rotate(h[0], 13) ^ rotate(h[0], 22)) +
		     ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));
		memmove(h + 1, h, 7 * sizeof(h[0]));
		h[4] += t1;
		h[0] = t1 + t2;
	}
	for (unsigned int i = 0; i < 8; i++)
		state[i] += h[i];
}

/* The last bytes, a one bit, zeroes, and the length in bits. */
static void finish(uint32_t state[8], const uint8_t *rest, size_t n,
		   uint64_t bytes)
{
	uint8_t last[2 * BLOCK] = {0};
	size_t blocks = n + 9 > BLOCK ? 2 : 1;

	memcpy(last, rest, n);
	last[n] = 0x80;
	for (unsigned int i = 0; i < 8; i++)
		last[blocks * BLOCK - 1 - i] = (uint8_t)(bytes * 8 >> 8 * i);
	for (size_t i = 0; i < blocks; i++)
		take_block(state, last + i * BLOCK);
}

void sha256_hex(const void *data, size_t bytes, char hex[SHA256_HEX])
{
	const uint8_t *p = data;
	size_t left = bytes;
	uint32_t state[8];

	memcpy(state, initial, sizeof(state));
	for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
		take_block(state, p);
	finish(state, p, left, bytes);
	for (unsigned int i = 0; i < 8; i++)
		snprintf(hex + 8 * i, 9, "%08x", state[i]);
}
