/* SPDX-License-Identifier: MIT */
/*
 * Ports of Open vSwitch, against a database that a child process plays: it
 * says what it was asked, and answers as the real one does.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pv-backends/net/ovs.h"

#define UUID         "01234567-89ab-cdef-0123-456789abcdef"

#define ROW          "{\"rows\":[{\"_uuid\":[\"uuid\",\"" UUID "\"]}]}"
#define NO_ROW       "{\"rows\":[]}"
#define RESULT(list) "{\"id\":1,\"error\":null,\"result\":[" list "]}"

static const char made[] =
	RESULT("{\"uuid\":[\"uuid\",\"" UUID "\"]},{\"uuid\":[\"uuid\",\"" UUID
	       "\"]},{\"count\":1}");
static const char removed[] = RESULT("{\"count\":1}");

/* What a request has to contain, and what is answered, byte by byte if slow. */
struct step {
	const char *asks, *answer;
};

static char folder[] = "/tmp/ovs-XXXXXX";
static char path[64];
static pid_t database;

static void play(int fd, const struct step *s)
{
	char request[4096];
	ssize_t n;

	for (; s->asks; s++) {
		n = recv(fd, request, sizeof(request) - 1, 0);
		if (n <= 0)
			_exit(2);
		request[n] = '\0';
		if (!strstr(request, s->asks))
			_exit(3);
		/* In two parts: the reader has to wait for the second. */
		n = (ssize_t)strlen(s->answer) / 2;
		if (write(fd, s->answer, (size_t)n) != n)
			_exit(4);
		usleep(1000);
		if (write(fd, s->answer + n, strlen(s->answer + n)) < 0)
			_exit(4);
	}
	/* Nothing more is asked. */
	_exit(recv(fd, request, sizeof(request), 0) ? 5 : 0);
}

static void start(const struct step *steps)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	database = fork();
	if (!database) {
		alarm(30);
		play(accept(fd, NULL, NULL), steps);
	}
	close(fd);
}

static void check_played(void)
{
	int status;

	assert_int_equal(waitpid(database, &status, 0), database);
	assert_int_equal(status, 0);
}

static void new_port(void **state)
{
	const struct step steps[] = {
		{"\"Port\",\"columns\":[\"_uuid\"],\"where\":[[\"name\","
		 "\"==\",\"vif3.0\"]]",
		 RESULT(ROW "," NO_ROW)},
		{"\"mutations\":[[\"ports\",\"insert\",[\"named-uuid\"", made},
		{"[\"ports\",\"delete\",[\"uuid\",\"" UUID "\"]]", removed},
		{NULL, NULL},
	};
	char why[256] = "";
	struct ovs *o;

	(void)state;
	start(steps);
	o = ovs_attach("ovsbr0", "vif3.0", why, sizeof(why));
	assert_non_null(o);
	ovs_close(o, true);
	check_played();
}

/* A successor finds the port, and does not remove it when it is killed. */
static void known_port(void **state)
{
	const struct step steps[] = {
		{"select", RESULT(ROW "," ROW)},
		{NULL, NULL},
	};
	char why[256] = "";
	struct ovs *o;

	(void)state;
	start(steps);
	o = ovs_attach("ovsbr0", "vif3.0", why, sizeof(why));
	assert_non_null(o);
	ovs_close(o, false);
	check_played();
}

static void fails(const struct step *steps, const char *bridge,
		  const char *message)
{
	char why[256] = "";

	if (steps)
		start(steps);
	assert_null(ovs_attach(bridge, "vif3.0", why, sizeof(why)));
	assert_non_null(strstr(why, message));
	if (steps)
		check_played();
}

static void failures(void **state)
{
	const struct step no_bridge[] = {
		{"select", RESULT(NO_ROW "," NO_ROW)},
		{NULL, NULL},
	};
	const struct step refused[] = {
		{"select", RESULT(ROW "," NO_ROW)},
		{"insert", RESULT("{\"uuid\":[\"uuid\",\"" UUID
				  "\"]},{\"error\":\"constraint violation\"}")},
		{NULL, NULL},
	};
	const struct step nonsense[] = {
		{"select", "{\"result\":7,\"error\":null}  "},
		{NULL, NULL},
	};

	(void)state;
	fails(no_bridge, "br7", "bridge br7: no such bridge of openvswitch");
	fails(refused, "br7", "constraint violation");
	fails(nonsense, "br7", "no result");
	fails(NULL, "br\"7", "not a name");
	unlink(path);
	fails(NULL, "br7", "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_port),
		cmocka_unit_test(known_port),
		cmocka_unit_test(failures),
	};
	int rc;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/db.sock", folder);
	setenv("PARAPET_OVSDB", path, 1);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return rc;
}
