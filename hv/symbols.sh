#!/usr/bin/env bash
# Print the function symbols of the image $1 as an assembler table that
# console/backtrace.c searches: addresses in order, then offsets of names.
set -eu
nm -n "$1" | awk '
BEGIN { n = 0 }
$2 ~ /^[tT]$/ && $3 !~ /^\./ && $1 >= "ffff878000000000" {
	addr[n] = $1; name[n++] = $3
}
END {
	print ".section .symbols, \"a\""
	print ".balign 8"
	for (i = 0; i < n; i++)
		printf ".quad 0x%s, symbol_name_%d\n", addr[i], i
	for (i = 0; i < n; i++)
		printf "symbol_name_%d: .asciz \"%s\"\n", i, name[i]
	print ".section .symbols_count, \"a\""
	printf ".globl symbols_nr\n.hidden symbols_nr\nsymbols_nr: .quad %d\n", n
	print ".section .note.GNU-stack,\"\",@progbits"
}'
