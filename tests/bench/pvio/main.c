/* SPDX-License-Identifier: MIT */
/*
 * pvio: what a machine's disk and network give to its programs.
 *
 *	pvio block DEVICE
 *	pvio net HOST PORT	against "pvio serve PORT" there
 *	pvio serve PORT
 *	pvio life LOG		create and destroy a guest (control domain)
 *	pvio wait LOG WORDS	until a guest's console has said that
 *
 * Statically linked, so that the same bytes run on every system compared.
 * Environment:
 *
 *	pvio_metrics=a,b	only these
 *	pvio_batches=N		batches of each, of which the median is taken
 *	pvio_batch_ms=N		least length of a batch
 *	pvio_create=WORDS	pvio life: the command that creates the guest,
 *	pvio_destroy=WORDS	destroys it,
 *	pvio_list=WORDS		lists all, if there is such a command
 *
 * Output, a line for each:
 *
 *	pvbench NAME MEDIAN MIN MAX
 *	pvio done
 */
#include "tests/bench/pvio/pvio.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	set_effort();
	if (argc == 3 && !strcmp(argv[1], "block"))
		measure_block(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "net"))
		measure_net(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "serve"))
		serve_net(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "life"))
		measure_life(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "wait"))
		return wait_for_words(argv[2], argv[3]), 0;
	else
		return 2;
	printf("pvio done\n");
	return 0;
}
