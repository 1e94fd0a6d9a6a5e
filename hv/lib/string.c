/* SPDX-License-Identifier: MIT */
/*
 * Memory and strings.  REP MOVS and REP STOS are what current processors and
 * emulators both run fastest for the sizes that occur here.
 */
#include "hv/lib/string.h"

#undef memcpy
#undef memset

void *memcpy(void *to, const void *from, size_t n)
{
	void *d = to;
	size_t words = n >> 3, bytes = n & 7;

	__asm__ volatile("rep movsq; mov %3, %%rcx; rep movsb"
			 : "+D"(d), "+S"(from), "+c"(words)
			 : "r"(bytes)
			 : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	const char *s = from;
	char *d = to;

	if (d <= s || d >= s + n)
		return memcpy(to, from, n);
	while (n--)
		d[n] = s[n];
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	uint64_t pattern = 0x0101010101010101ull * (uint8_t)byte;
	void *d = to;
	size_t words = n >> 3, bytes = n & 7;

	__asm__ volatile("rep stosq; mov %3, %%rcx; rep stosb"
			 : "+D"(d), "+c"(words)
			 : "a"(pattern), "r"(bytes)
			 : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

size_t strnlen(const char *s, size_t most)
{
	size_t n = 0;

	while (n < most && s[n])
		n++;
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return (uint8_t)a[i] < (uint8_t)b[i] ? -1 : 1;
		if (!a[i])
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}
