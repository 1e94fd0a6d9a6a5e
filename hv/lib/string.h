/* SPDX-License-Identifier: MIT */
/* The few string functions that a freestanding build needs. */
#ifndef HV_LIB_STRING_H
#define HV_LIB_STRING_H

#ifdef HV_HOST
#include <stdio.h>
#include <string.h>
#else
#include <stdarg.h>
#include "hv/lib/types.h"

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
/* The compiler knows these: short ones of known size become moves. */
#define memcpy(to, from, n) __builtin_memcpy(to, from, n)
#define memset(to, byte, n) __builtin_memset(to, byte, n)
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF(3);
#endif

#endif /* HV_LIB_STRING_H */
