/* SPDX-License-Identifier: MIT */
/*
 * Text and bytes, as far as a test kernel needs them.
 */
#include "tests/guest/lib/guest.h"

void *memcpy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb"
			 : "+D"(at), "+S"(from), "+c"(n)
			 :
			 : "memory");
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	void *at = to;

	__asm__ volatile("rep stosb"
			 : "+D"(at), "+c"(n)
			 : "a"(byte)
			 : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (uint8_t)*a - (uint8_t)*b;
	return 0;
}

struct out {
	char *to;
	size_t size, n;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->size)
		o->to[o->n++] = c;
}

static void put_text(struct out *o, const char *s, int width, int most)
{
	int n = 0;

	for (; *s && (most < 0 || n < most); s++, n++)
		put(o, *s);
	for (; n < width; n++)
		put(o, ' ');
}

static void put_number(struct out *o, uint64_t value, unsigned int base,
		       bool negative, int width, char pad)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		digits[n++] = '-';
	for (; width > n; width--)
		put(o, pad);
	while (n)
		put(o, digits[--n]);
}

/* %d %i %u %x %c %s %p with l, z, #, 0, a width, and %.*s; no more. */
int format(char *to, size_t size, const char *fmt, __builtin_va_list ap)
{
	struct out o = {to, size, 0};

	for (; *fmt; fmt++) {
		bool is_long = false, alternate = false;
		int width = 0, most = -1;
		char pad = ' ';
		int64_t value;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++;; fmt++) {
			if (*fmt == '#')
				alternate = true;
			else if (*fmt == '0' && !width)
				pad = '0';
			else if (*fmt >= '0' && *fmt <= '9')
				width = width * 10 + *fmt - '0';
			else if (*fmt == 'l' || *fmt == 'z')
				is_long = true;
			else if (*fmt == '*')
				most = __builtin_va_arg(ap, int);
			else if (*fmt != '.' && *fmt != '-')
				break;
		}
		switch (*fmt) {
		case 'c':
			put(&o, (char)__builtin_va_arg(ap, int));
			break;
		case 's':
			put_text(&o, __builtin_va_arg(ap, const char *), width,
				 most);
			break;
		case 'd':
		case 'i':
			value = is_long ? __builtin_va_arg(ap, int64_t)
					: __builtin_va_arg(ap, int);
			put_number(&o,
				   value < 0 ? 0 - (uint64_t)value
					     : (uint64_t)value,
				   10, value < 0, width, pad);
			break;
		case 'p':
			is_long = alternate = true;
			/* fall through */
		case 'x':
			if (alternate)
				put_text(&o, "0x", 0, -1);
			/* fall through */
		case 'u':
			value = is_long ? __builtin_va_arg(ap, int64_t)
					: __builtin_va_arg(ap, unsigned int);
			put_number(&o, value, *fmt == 'u' ? 10 : 16, false,
				   width, pad);
			break;
		default:
			put(&o, *fmt);
		}
	}
	to[o.n] = 0;
	return o.n;
}
