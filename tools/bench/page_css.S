/* SPDX-License-Identifier: MIT */
/* page.css as data of the program. */
	.section .rodata
	.global page_css, page_css_end
page_css:
	.incbin "tools/bench/page.css"
page_css_end:
	.section .note.GNU-stack, "", @progbits
