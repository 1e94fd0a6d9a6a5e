/* SPDX-License-Identifier: MIT */
/*
 * Paths.
 *
 * PURE  HOSTILE  The text comes from a guest.  One pass checks the characters,
 * finds the component boundaries and hashes every prefix.
 */
#include <errno.h>

#include "tools/store/path.h"

/* [A-Za-z0-9] and - / _ @ ; more than the letters of one word, so a table. */
static bool path_char_ok(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c >= 'A' && c <= 'Z') || c == '/' || c == '-' || c == '_' ||
	       c == '@';
}

static uint32_t path_finish(uint64_t state)
{
	return hash_value(state);
}

static int path_scan(struct path *p)
{
	uint64_t state = hash_begin();
	size_t i, start = 1;

	p->depth = 0;
	p->end[0] = 1;
	p->hash[0] = path_finish(state);
	if (p->len == 1)
		return 0;
	for (i = 1; i <= p->len; i++) {
		if (i < p->len && p->str[i] != '/') {
			if (!path_char_ok((unsigned char)p->str[i]))
				return EINVAL;
			continue;
		}
		if (i == start)
			return EINVAL; /* "//" or a slash at the end */
		state = hash_absorb(state, p->str + start, i - start);
		p->depth++;
		p->end[p->depth] = (uint16_t)i;
		p->hash[p->depth] = path_finish(state);
		start = i + 1;
	}
	return 0;
}

/* "@name" or "@name/sub": not in the tree, but hashed the same way. */
static int path_scan_special(struct path *p)
{
	size_t i;

	for (i = 1; i < p->len; i++)
		if (!path_char_ok((unsigned char)p->str[i]))
			return EINVAL;
	if (p->len < 2 || p->str[p->len - 1] == '/')
		return EINVAL;
	p->depth = 0;
	p->end[0] = p->len;
	p->hash[0] = path_hash(p->str, p->len);
	return 0;
}

int path_parse(struct path *p, const char *base, const char *text, size_t len,
	       unsigned flags)
{
	size_t blen = 0;

	if (!len)
		return EINVAL;
	p->special = text[0] == '@';
	if (p->special && !(flags & PATH_SPECIAL))
		return EINVAL;
	if (text[0] != '/' && !p->special) {
		if (len > XS_REL_PATH_MAX)
			return EINVAL;
		blen = strlen(base);
		memcpy(p->str, base, blen);
		p->str[blen++] = '/';
	}
	if (blen + len > XS_ABS_PATH_MAX)
		return EINVAL;
	memcpy(p->str + blen, text, len);
	p->len = (uint16_t)(blen + len);
	p->str[p->len] = '\0';
	p->relative = (uint16_t)blen;
	return p->special ? path_scan_special(p) : path_scan(p);
}

uint32_t path_hash(const char *s, size_t len)
{
	uint64_t state = hash_begin();
	size_t i, start = 1;

	if (s[0] == '@')
		return path_finish(hash_absorb(~state, s, len));
	if (len == 1)
		return path_finish(state);
	for (i = 1; i <= len; i++) {
		if (i < len && s[i] != '/')
			continue;
		state = hash_absorb(state, s + start, i - start);
		start = i + 1;
	}
	return path_finish(state);
}

size_t path_quota_len(const struct path *p)
{
	static const char home[] = "/local/domain/";
	size_t i = sizeof(home) - 1;

	if (p->len <= i || memcmp(p->str, home, i))
		return p->len;
	while (i < p->len && p->str[i] != '/')
		i++;
	return i < p->len ? (size_t)p->len - i - 1 : 0;
}

unsigned path_depth(const char *s, size_t len)
{
	unsigned depth = 0;
	size_t i;

	if (len <= 1)
		return 0;
	for (i = 0; i < len; i++)
		depth += s[i] == '/';
	return depth;
}

bool path_covers(const char *prefix, size_t plen, const char *s, size_t len)
{
	if (plen == 1 && prefix[0] == '/')
		return s[0] == '/';
	if (len < plen || memcmp(prefix, s, plen))
		return false;
	return len == plen || s[plen] == '/';
}
