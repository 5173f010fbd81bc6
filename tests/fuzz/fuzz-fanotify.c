/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-fanotify - any bytes as what a group of fanotify's tells. */
#include <assert.h>

#include "kernel/fanotify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void assert_inside(struct slice part, struct slice whole)
{
	assert(part.bytes == 0 ||
	       (part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice all = { (const char *)data, bytes }, rest = all;
	struct fanotify_record told;
	size_t before = bytes;

	while (fanotify_next(&rest, &told) > 0) {
		assert(rest.bytes < before);
		before = rest.bytes;
		assert_inside(told.directory, all);
		assert_inside(told.name, all);
		assert_inside(told.to_directory, all);
		assert_inside(told.to_name, all);
		assert_inside(told.file, all);
		assert(!memchr(told.name.bytes ? told.name.at : "x", '\0', told.name.bytes));
		assert(told.directory.bytes == 0 || told.directory.bytes >= 16);
	}
	return 0;
}
