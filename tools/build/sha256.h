/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4) of a buffer. */
#ifndef TOOLS_BUILD_SHA256_H
#define TOOLS_BUILD_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_HEX 65 /* characters of the digest in hexadecimal, and a 0 */

void sha256_hex(const void *data, size_t bytes, char hex[SHA256_HEX]);

#endif
