/* SPDX-License-Identifier: MIT */
/*
 * vsnprintf for log lines: %d %i %u %x %X %p %c %s %%, with h hh l ll z, the
 * flags 0 - # and a width; a precision for %s only.
 */
#include "hv/lib/string.h"

struct out {
	char *buf;
	size_t size, len; /* len counts what did not fit, too */
};

struct spec {
	bool zero, left, alt;
	int width, precision; /* -1: none */
	int longs; /* 0: int, 1: long, 2: long long, z as long */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(struct out *o, const struct spec *s, const char *text,
		       size_t n, char pad)
{
	size_t width = s->width > 0 ? (size_t)s->width : 0;

	for (size_t i = n; !s->left && i < width; i++)
		put(o, pad);
	for (size_t i = 0; i < n; i++)
		put(o, text[i]);
	for (size_t i = n; s->left && i < width; i++)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t v,
		       unsigned int base, bool negative)
{
	char text[24];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (s->alt && base == 16) {
		text[--at] = 'x';
		text[--at] = '0';
	}
	if (negative)
		text[--at] = '-';
	put_padded(o, s, text + at, sizeof(text) - at, s->zero ? '0' : ' ');
}

static const char *parse_spec(const char *f, struct spec *s, va_list *ap)
{
	*s = (struct spec){.precision = -1};
	for (;; f++) {
		if (*f == '0')
			s->zero = true;
		else if (*f == '-')
			s->left = true;
		else if (*f == '#')
			s->alt = true;
		else
			break;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = s->width * 10 + (*f - '0');
	if (*f == '.' && f[1] == '*') {
		s->precision = va_arg(*ap, int);
		f += 2;
	} else if (*f == '.') {
		s->precision = 0;
		for (f++; *f >= '0' && *f <= '9'; f++)
			s->precision = s->precision * 10 + (*f - '0');
	}
	for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
		s->longs += *f == 'h' ? 0 : 1;
	return f;
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t most = s->precision >= 0 ? (size_t)s->precision : SIZE_MAX;

	if (!text)
		text = "(null)";
	put_padded(o, s, text, strnlen(text, most), ' ');
}

static void put_spec(struct out *o, char c, struct spec *s, va_list *ap)
{
	uint64_t u;
	int64_t d;
	char ch;

	switch (c) {
	case 'd':
	case 'i':
		d = s->longs ? va_arg(*ap, long) : va_arg(*ap, int);
		u = d < 0 ? -(uint64_t)d : (uint64_t)d;
		put_number(o, s, u, 10, d < 0);
		break;
	case 'u':
	case 'x':
	case 'X':
		u = s->longs ? va_arg(*ap, unsigned long)
			     : va_arg(*ap, unsigned int);
		put_number(o, s, u, c == 'u' ? 10 : 16, false);
		break;
	case 'p':
		s->alt = true;
		put_number(o, s, (uint64_t)va_arg(*ap, void *), 16, false);
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	case 'c':
		ch = (char)va_arg(*ap, int);
		put_padded(o, s, &ch, 1, ' ');
		break;
	default:
		put(o, c);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = {buf, size, 0};
	struct spec s;
	va_list ap;

	va_copy(ap, args);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &ap);
		if (!*fmt)
			break;
		put_spec(&o, *fmt, &s, &ap);
	}
	va_end(ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
