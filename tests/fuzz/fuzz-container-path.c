/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-container-path - any bytes as the path of a control group. */
#include <assert.h>

#include "identity/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void assert_inside(struct slice part, struct slice whole)
{
	assert(part.bytes == 0 ||
	       (part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice path = { (const char *)data, bytes };
	struct container_path found;
	bool is = container_parse_path(path, &found);

	assert(is == (found.id.bytes > 0) && is == (found.runtime != NULL));
	assert(found.id.bytes < CONTAINER_ID_BYTES && found.outer_id.bytes < CONTAINER_ID_BYTES);
	assert(is || (found.outer_id.bytes == 0 && found.pod_uid.bytes == 0));
	assert_inside(found.id, path);
	assert_inside(found.outer_id, path);
	assert_inside(found.pod_uid, path);
	return 0;
}
