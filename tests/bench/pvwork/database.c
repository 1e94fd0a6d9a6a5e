/* SPDX-License-Identifier: MIT */
/*
 * A database: SQLite with its own settings, which bring each transaction to
 * the disk before it ends.
 *
 * Inserts: transactions of ten rows, each a journal written and deleted, and
 * the disk told to flush.  Queries: sums over twenty rows, found by an index
 * in a table that does not fit in SQLite's cache, but in the kernel's: system
 * calls that read and lock.
 */
#include "tests/bench/pvwork/pvwork.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ROWS = 20000,
	ROWS_AT_ONCE = 10,
	GROUPS = ROWS / 20,
};

static sqlite3 *db;
static uint64_t drawn;

static uint32_t draw(void)
{
	drawn = drawn * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(drawn >> 33);
}

static void must(int result)
{
	if (result == SQLITE_OK || result == SQLITE_DONE ||
	    result == SQLITE_ROW)
		return;
	errno = EIO;
	die(sqlite3_errmsg(db));
}

static void tell(const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *statement;

	must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
	return statement;
}

static void insert(sqlite3_stmt *statement)
{
	must(sqlite3_bind_int(statement, 1, (int)(draw() % GROUPS)));
	must(sqlite3_bind_int(statement, 2, (int)draw()));
	must(sqlite3_bind_int(statement, 3, (int)draw()));
	must(sqlite3_step(statement));
	must(sqlite3_reset(statement));
}

/* Transactions a second. */
static double inserts(sqlite3_stmt *statement)
{
	double began = now(), took;
	unsigned int n = 0;

	do {
		tell("BEGIN");
		for (int i = 0; i < ROWS_AT_ONCE; i++)
			insert(statement);
		tell("COMMIT");
		n++;
		took = now() - began;
	} while (took < effort.seconds);
	return n / took;
}

/* Queries a second. */
static double selects(sqlite3_stmt *statement)
{
	double began = now(), took;
	unsigned int n = 0;

	do {
		must(sqlite3_bind_int(statement, 1, (int)(draw() % GROUPS)));
		must(sqlite3_step(statement));
		must(sqlite3_reset(statement));
		n++;
		took = now() - began;
	} while (took < effort.seconds);
	return n / took;
}

static void measure(const char *metric, double (*batch)(sqlite3_stmt *),
		    const char *sql)
{
	sqlite3_stmt *statement = prepare(sql);
	double figure[MAX_BATCHES];

	if (wanted(metric)) {
		batch(statement); /* warm */
		for (unsigned int i = 0; i < effort.batches; i++)
			figure[i] = batch(statement);
		report(metric, figure);
	}
	sqlite3_finalize(statement);
}

#define INSERT                                                                 \
	"INSERT INTO t (kind, value, text) VALUES (?, ?, printf('%0400d', ?))"

static void fill(void)
{
	sqlite3_stmt *statement;

	tell("CREATE TABLE t (id INTEGER PRIMARY KEY, kind INT, value INT,"
	     " text TEXT)");
	tell("CREATE INDEX kinds ON t (kind)");
	statement = prepare(INSERT);
	tell("BEGIN");
	for (int i = 0; i < ROWS; i++)
		insert(statement);
	tell("COMMIT");
	sqlite3_finalize(statement);
}

void measure_database(const char *folder)
{
	char path[256];

	if (!wanted("db_insert") && !wanted("db_select"))
		return;
	drawn = 42;
	snprintf(path, sizeof(path), "%s/pvwork.db", folder);
	unlink(path);
	must(sqlite3_open(path, &db));
	fill();
	measure("db_select", selects,
		"SELECT sum(value) FROM t WHERE kind = ?");
	measure("db_insert", inserts, INSERT);
	sqlite3_close(db);
	unlink(path);
}
