/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-manager-state - a line of sysvisor-mgr's journal, and the lines of subuid(5). */
#include <assert.h>

#include "sysvisor/mgr/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice line = { (const char *)data, bytes }, owner;
	struct record *record, *again;
	struct ids_range range;
	bool gone;

	if (record_parse(line, &record, &gone) == 0) {
		auto_text struct text out = { 0 };

		assert(record_id_is_valid(record->id));
		record_put(record, &out);
		assert(record_parse(slice_trim(text_slice(&out)), &again, &gone) == 0);
		assert(strcmp(record->bundle, again->bundle) == 0);
		record_free(again);
		record_free(record);
	}
	while (ids_next(&line, &owner, &range))
		assert(range.count && (uint64_t)range.first + range.count <= UINT32_MAX);
	return 0;
}
