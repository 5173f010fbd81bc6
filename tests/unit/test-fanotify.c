/* SPDX-License-Identifier: Apache-2.0 */
/* What read(2) gives from a group of fanotify's, taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/auto.h"
#include "kernel/fanotify.h"

/* What the kernel would write, as bytes. */
struct wire {
	char at[512];
	size_t bytes;
};

static void wire_put(struct wire *wire, const void *bytes, size_t count)
{
	memcpy(wire->at + wire->bytes, bytes, count);
	wire->bytes += count;
}

/* Returns where its length is to be. */
static size_t wire_begin(struct wire *wire, uint64_t mask, int pid)
{
	struct fanotify_event_metadata head = { .vers = FANOTIFY_METADATA_VERSION,
						.metadata_len = sizeof(head),
						.mask = mask,
						.fd = FAN_NOFD,
						.pid = pid };
	size_t at = wire->bytes;

	wire_put(wire, &head, sizeof(head));
	return at;
}

static void wire_end(struct wire *wire, size_t at)
{
	uint32_t bytes = (uint32_t)(wire->bytes - at);

	memcpy(wire->at + at, &bytes, sizeof(bytes));
}

/* An info record with a handle of 8 bytes, all `mark`; a name is padded as the kernel pads. */
static void wire_info(struct wire *wire, uint8_t type, char mark, const char *name)
{
	struct fanotify_event_info_header header = { .info_type = type };
	uint32_t handle[2] = { 8, 1 };
	char fsid[8] = "filesys", bytes[8], padded[16] = "";

	memset(bytes, mark, sizeof(bytes));
	header.len = (uint16_t)(sizeof(header) + sizeof(fsid) + sizeof(handle) + sizeof(bytes) +
				(name ? sizeof(padded) : 0));
	wire_put(wire, &header, sizeof(header));
	wire_put(wire, fsid, sizeof(fsid));
	wire_put(wire, handle, sizeof(handle));
	wire_put(wire, bytes, sizeof(bytes));
	if (!name)
		return;
	slice_copy(slice_of(name), padded, sizeof(padded));
	wire_put(wire, padded, sizeof(padded));
}

static void renames_have_two_places_and_one_file(void **state)
{
	struct wire wire = { 0 };
	struct slice rest;
	struct fanotify_record told;
	size_t at = wire_begin(&wire, FAN_RENAME, 42);

	(void)state;
	wire_info(&wire, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 'o', "old");
	wire_info(&wire, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 'n', "new");
	wire_info(&wire, FAN_EVENT_INFO_TYPE_FID, 'f', NULL);
	wire_end(&wire, at);
	at = wire_begin(&wire, FAN_OPEN | FAN_MODIFY, 43);
	wire_info(&wire, FAN_EVENT_INFO_TYPE_DFID_NAME, 'o', ".");
	wire_info(&wire, 99, 'x', "newer");
	wire_end(&wire, at);
	wire_end(&wire, wire_begin(&wire, FAN_Q_OVERFLOW, 0));

	rest = (struct slice){ wire.at, wire.bytes };
	assert_int_equal(fanotify_next(&rest, &told), 1);
	assert_int_equal(told.mask, FAN_RENAME);
	assert_int_equal(told.pid, 42);
	assert_true(slice_is(told.name, "old"));
	assert_true(slice_is(told.to_name, "new"));
	assert_int_equal(told.directory.bytes, 24);
	assert_memory_equal(told.directory.at, "filesys", 8);
	assert_int_equal(told.directory.at[16], 'o');
	assert_int_equal(told.to_directory.at[16], 'n');
	assert_int_equal(told.file.at[16], 'f');
	assert_int_equal(fanotify_next(&rest, &told), 1);
	assert_true(slice_is(told.name, "."));
	assert_int_equal(told.file.bytes, 0);
	assert_int_equal(fanotify_next(&rest, &told), 1);
	assert_int_equal(told.mask, FAN_Q_OVERFLOW);
	assert_int_equal(fanotify_next(&rest, &told), 0);
}

/* Each length in turn says more than there is; no byte behind the end is read (ASan watches). */
static void what_is_cut_is_no_record(void **state)
{
	struct wire wire = { 0 };
	struct fanotify_record told;
	size_t at = wire_begin(&wire, FAN_CREATE, 1);
	uint32_t much = 0x7fffffff;

	(void)state;
	wire_info(&wire, FAN_EVENT_INFO_TYPE_DFID_NAME, 'd', "name");
	wire_end(&wire, at);
	for (size_t bytes = 1; bytes < wire.bytes; bytes++) {
		auto_free char *copy = malloc(bytes);
		struct slice rest = { copy, bytes };

		memcpy(copy, wire.at, bytes);
		assert_int_equal(fanotify_next(&rest, &told), -EBADMSG);
	}
	for (size_t field = 0; field < 3; field++) {
		static const size_t places[] = { 0, 24 + 2, 24 + 4 + 8 };
		struct wire bad = wire;
		struct slice rest = { bad.at, bad.bytes };

		memcpy(bad.at + places[field], &much, field == 1 ? 2 : 4);
		assert_int_equal(fanotify_next(&rest, &told), -EBADMSG);
	}
	memset(wire.at + wire.bytes - 16, 'n', 16); /* a name without an end */
	assert_int_equal(fanotify_next(&(struct slice){ wire.at, wire.bytes }, &told), -EBADMSG);
}

static void a_file_is_told_by_its_handle(void **state)
{
	struct fanotify_key root, etc;
	auto_fd int fd = open("/", O_PATH | O_CLOEXEC);
	auto_fd int other = open("/etc", O_PATH | O_CLOEXEC);

	(void)state;
	if (fanotify_identify(fd, &root) == -EOPNOTSUPP) {
		print_message("skip: the file system here has no handles\n");
		skip();
	}
	assert_int_equal(fanotify_identify(other, &etc), 0);
	assert_true(root.bytes > 16 && root.bytes <= sizeof(root.at));
	assert_true(fanotify_is(fd, (struct slice){ root.at, root.bytes }));
	assert_false(fanotify_is(other, (struct slice){ root.at, root.bytes }));
	assert_false(fanotify_is(fd, (struct slice){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renames_have_two_places_and_one_file),
		cmocka_unit_test(what_is_cut_is_no_record),
		cmocka_unit_test(a_file_is_told_by_its_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
