/* SPDX-License-Identifier: MIT */
/*
 * Kernel files and the cache: what is kept, what is found again, what makes it
 * forget, and that neither a damaged cache nor a changing file gives a wrong
 * kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <pv/elfnote.h>

#include "tests/build/fixture.h"
#include "tools/build/build.h"
#include "tools/build/sha256.h"

#define PAYLOAD_AT 1024 /* in a bzImage, behind its setup sector */

static char folder[64], cache[96], path[96];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/build-cache-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(cache, sizeof(cache), "%s/a/cache", folder);
	snprintf(path, sizeof(path), "%s/kernel", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void write_file(const char *name, const void *data, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
}

/* A bzImage that holds the kernel as it is: version `mark` of it. */
static void write_kernel(const char *name, const char *mark, bool packed)
{
	struct recipe r;
	struct image elf;
	uint8_t *file;

	recipe_linux(&r);
	add_string(&r, XEN_ELFNOTE_GUEST_VERSION, mark);
	elf = make_image(&r);
	if (!packed) {
		write_file(name, elf.data, elf.bytes);
		free(elf.data);
		return;
	}
	file = calloc(1, PAYLOAD_AT + elf.bytes + 4);
	file[0x1f1] = 1; /* sectors of setup code */
	memcpy(file + 0x1fe, "\x55\xaa", 2);
	memcpy(file + 0x202, "HdrS", 4);
	memcpy(file + 0x206, "\x0c\x02", 2); /* version 2.12 */
	*(uint32_t *)(file + 0x248) = 0;
	*(uint32_t *)(file + 0x24c) = (uint32_t)elf.bytes + 4;
	memcpy(file + PAYLOAD_AT, elf.data, elf.bytes);
	*(uint32_t *)(file + PAYLOAD_AT + elf.bytes) = (uint32_t)elf.bytes;
	write_file(name, file, PAYLOAD_AT + elf.bytes + 4);
	free(file);
	free(elf.data);
}

/* Entries of the cache whose names end so. */
static unsigned int entries(const char *end)
{
	DIR *d = opendir(cache);
	struct dirent *e;
	unsigned int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strlen(e->d_name) > strlen(end) &&
		     !strcmp(e->d_name + strlen(e->d_name) - strlen(end), end);
	closedir(d);
	return n;
}

static unsigned int links(void)
{
	DIR *d = opendir(cache);
	struct dirent *e;
	unsigned int n = 0;

	while ((e = readdir(d)))
		n += e->d_type == DT_LNK;
	closedir(d);
	return n;
}

static void opens_as(const char *mark, const char *where)
{
	struct build_error why = {""};
	struct kernel_file *f = kernel_open(path, where, &why);

	if (!f)
		fail_msg("%s", why.text);
	assert_string_equal(kernel_of(f)->guest_version, mark);
	kernel_close(f);
}

static void refused(const char *text)
{
	struct build_error why = {""};

	assert_null(kernel_open(path, cache, &why));
	if (!strstr(why.text, text) || !strstr(why.text, path))
		fail_msg("wanted \"%s\", got \"%s\"", text, why.text);
}

/* Without a wait: time stamps of the file are those of long ago. */
static void let_settle(void)
{
	/* ctime cannot be set; waiting is what the cache itself asks for. */
	const struct timespec step = {0, 100000000};
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	while (time(NULL) - st.st_ctim.tv_sec < 2)
		nanosleep(&step, NULL);
}

static void digests_are_those_of_the_standard(void **state)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb924"
		     "27ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223"
			"b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039"
		 "a33ce45964ff2167f6ecedd419db06c1"},
	};
	char hex[SHA256_HEX], *million = malloc(1000000);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		sha256_hex(cases[i].text, strlen(cases[i].text), hex);
		assert_string_equal(hex, cases[i].digest);
	}
	memset(million, 'a', 1000000);
	sha256_hex(million, 1000000, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
				 "f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

static void an_elf_file_needs_no_cache(void **state)
{
	(void)state;
	write_kernel(path, "plain", false);
	opens_as("plain", NULL);
	opens_as("plain", cache);
	assert_int_equal(entries(".elf"), 0);
}

static void a_packed_kernel_is_kept_and_found(void **state)
{
	(void)state;
	write_kernel(path, "one", true);
	opens_as("one", NULL);
	opens_as("one", cache);
	assert_int_equal(entries(".elf"), 1);
	assert_int_equal(links(), 0); /* it is too young */
	let_settle();
	opens_as("one", cache);
	assert_int_equal(entries(".elf"), 1);
	assert_int_equal(links(), 1);
	opens_as("one", cache);
}

static void a_file_that_changes_is_seen(void **state)
{
	(void)state;
	write_kernel(path, "one", true);
	let_settle();
	opens_as("one", cache);
	write_kernel(path, "two", true);
	opens_as("two", cache);
	assert_int_equal(entries(".elf"), 2);
}

static void a_damaged_cache_costs_only_time(void **state)
{
	char command[256];

	(void)state;
	write_kernel(path, "one", true);
	let_settle();
	opens_as("one", cache);
	snprintf(command, sizeof(command), "rm -f '%s'/*.elf", cache);
	assert_int_equal(system(command), 0);
	opens_as("one", cache);
	assert_int_equal(entries(".elf"), 1);
}

static void takes_from(struct kernel_shelf *shelf, const char *mark,
		       struct kernel_file **f)
{
	struct build_error why = {""};

	*f = shelf_open(shelf, path, cache, &why);
	if (!*f)
		fail_msg("%s", why.text);
	assert_string_equal(kernel_of(*f)->guest_version, mark);
}

static void a_shelf_has_what_it_had_unless_that_changed(void **state)
{
	struct kernel_shelf *shelf = shelf_new();
	struct kernel_file *one, *again, *two;

	(void)state;
	write_kernel(path, "one", true);
	opens_as("one", cache);
	takes_from(shelf, "one", &one); /* too young to be kept */
	takes_from(shelf, "one", &again);
	assert_ptr_not_equal(one, again);
	shelf_close(shelf, one);
	shelf_close(shelf, again);
	let_settle();
	takes_from(shelf, "one", &one);
	shelf_close(shelf, one);
	takes_from(shelf, "one", &again);
	assert_ptr_equal(one, again);
	write_kernel(path, "two", true);
	takes_from(shelf, "two", &two);
	assert_string_equal(kernel_of(again)->guest_version, "one");
	shelf_close(shelf, again);
	shelf_close(shelf, two);
	shelf_free(shelf);
}

static void a_shelf_forgets_the_kernel_used_longest_ago(void **state)
{
	struct kernel_shelf *shelf = shelf_new();
	struct kernel_file *first = NULL, *f;
	char mark[16];

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < 6; i++) {
			snprintf(mark, sizeof(mark), "s%u", i);
			snprintf(path, sizeof(path), "%s/kernel-%u", folder, i);
			if (!pass)
				write_kernel(path, mark, true);
			takes_from(shelf, mark, &f);
			if (pass && !i)
				first = f; /* in use to the end */
			else
				shelf_close(shelf, f);
		}
		let_settle();
	}
	snprintf(path, sizeof(path), "%s/kernel", folder);
	assert_string_equal(kernel_of(first)->guest_version, "s0");
	shelf_close(shelf, first);
	shelf_free(shelf);
}

static void the_oldest_kernel_makes_room(void **state)
{
	char mark[16];

	(void)state;
	for (unsigned int i = 0; i < 12; i++) {
		snprintf(mark, sizeof(mark), "v%u", i);
		write_kernel(path, mark, true);
		opens_as(mark, cache);
	}
	assert_true(entries(".elf") <= 8);
	assert_int_equal(links(), 0); /* all led to kernels that are gone */
	opens_as("v11", cache);
}

static void what_is_no_kernel_is_refused(void **state)
{
	char text[200];

	(void)state;
	unlink(path);
	refused("No such file");
	write_file(path, "short", 5);
	refused("too small");
	memset(text, 'x', sizeof(text));
	write_file(path, text, sizeof(text));
	refused("kernel");
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	refused("not a regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("not a regular file");
	unlink(path);
}

static void a_cache_that_others_may_write_is_refused(void **state)
{
	struct build_error why;

	(void)state;
	write_kernel(path, "one", true);
	assert_int_equal(chmod(cache, 0777), 0);
	assert_null(kernel_open(path, cache, &why));
	assert_non_null(strstr(why.text, "others may write"));
	assert_int_equal(errno, EPERM);
	assert_int_equal(chmod(cache, 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(an_elf_file_needs_no_cache),
		cmocka_unit_test(a_packed_kernel_is_kept_and_found),
		cmocka_unit_test(a_file_that_changes_is_seen),
		cmocka_unit_test(a_damaged_cache_costs_only_time),
		cmocka_unit_test(a_shelf_has_what_it_had_unless_that_changed),
		cmocka_unit_test(a_shelf_forgets_the_kernel_used_longest_ago),
		cmocka_unit_test(the_oldest_kernel_makes_room),
		cmocka_unit_test(what_is_no_kernel_is_refused),
		cmocka_unit_test(a_cache_that_others_may_write_is_refused),
	};

	return cmocka_run_group_tests_name("cache", tests, make_folder,
					   remove_folder);
}
