/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/setting_before.h"

#include <errno.h>

#include "base/file.h"

#define BEFORE_BYTES 4096

/* "boot ID\n" */
static int before_put_boot(int proc_fd, struct text *text)
{
	auto_text struct text id = { 0 };
	int r = file_read_at(proc_fd, "sys/kernel/random/boot_id", BEFORE_BYTES, &id);

	if (r < 0)
		return r;
	text_printf(text, "boot %.*s\n", SLICE_ARG(slice_trim(text_slice(&id))));
	return 0;
}

int setting_before_read(int proc_fd, const char *path, struct text *text)
{
	auto_text struct text whole = { 0 }, boot = { 0 };
	struct slice lines;
	int r = file_read(path, BEFORE_BYTES, &whole, NULL);

	if (r == 0)
		r = before_put_boot(proc_fd, &boot);
	if (r < 0)
		return r;
	lines = text_slice(&whole);
	if (!slice_eat(&lines, slice_of(text_str(&boot))))
		return -ENOENT;
	text_put(text, lines);
	return 0;
}

struct slice setting_before_find(struct slice lines, const char *name)
{
	struct slice line, word;

	while (slice_next(&lines, '\n', &line))
		if (slice_cut(&line, ' ', &word) && slice_is(word, name))
			return line;
	return (struct slice){ 0 };
}

int setting_before_write(int proc_fd, const char *path, struct slice lines, struct error *err)
{
	auto_text struct text whole = { 0 }, parent = { 0 };
	const char *name = strrchr(path, '/');
	int r = before_put_boot(proc_fd, &whole);

	if (r < 0)
		return error_errno(err, -r, "read the boot's id");
	text_put(&whole, lines);
	if (name && name != path) {
		text_put(&parent, (struct slice){ path, (size_t)(name - path) });
		r = file_make_dirs(text_str(&parent), 0700, err);
	}
	return r < 0 ? r : file_replace(path, text_slice(&whole), 0600, err);
}
