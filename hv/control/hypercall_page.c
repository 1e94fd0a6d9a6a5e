/* SPDX-License-Identifier: MIT */
/*
 * The page of stubs that older guest kernels call: 128 of 32 bytes, by number.
 */
#include "hv/control/control.h"
#include "hv/lib/string.h"

#define STUB_SIZE 32
#define NR_IRET   23
#define NR_AT     4 /* of the number's low byte in a stub */

void hypercall_page_fill(uint8_t *page)
{
	/* push rcx, r11; mov $nr, eax; syscall; pop r11, rcx; ret */
	static const uint8_t call[] = {0x51, 0x41, 0x53, 0xb8, 0x00,
				       0x00, 0x00, 0x00, 0x0f, 0x05,
				       0x41, 0x5b, 0x59, 0xc3};
	/* push rcx, r11, rax; mov $23, eax; syscall: it does not come back */
	static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, NR_IRET,
				       0x00, 0x00, 0x00, 0x0f, 0x05};

	memset(page, 0xcc, PAGE_SIZE);
	for (unsigned int n = 0; n < PAGE_SIZE / STUB_SIZE; n++) {
		memcpy(page + STUB_SIZE * n, call, sizeof(call));
		page[STUB_SIZE * n + NR_AT] = (uint8_t)n;
	}
	memcpy(page + STUB_SIZE * NR_IRET, iret, sizeof(iret));
}
