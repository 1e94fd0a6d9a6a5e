/* SPDX-License-Identifier: MIT */
/*
 * pvwork: what a machine takes for work as people have it.
 *
 *	pvwork compress
 *	pvwork database FOLDER	which is on the disk to be measured
 *	pvwork build FOLDER	sources, and build.sh
 *
 * Statically linked, so that the same bytes run on every system compared.
 * Environment and output are those of pvio.
 */
#include "tests/bench/pvwork/pvwork.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	set_effort();
	if (argc == 2 && !strcmp(argv[1], "compress"))
		measure_compress();
	else if (argc == 3 && !strcmp(argv[1], "database"))
		measure_database(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "build"))
		measure_build(argv[2]);
	else
		return 2;
	printf("pvwork done\n");
	return 0;
}
