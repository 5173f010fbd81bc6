/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-journal - any bytes as sysvisor-fs's journal. */
#include <assert.h>

#include "sysvisor/fs/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct journal_entry *entry;
	struct journal_entries entries;

	if (journal_parse((struct slice){ (const char *)data, bytes }, &entries) == 0) {
		list_each(&entries.all, entry, node) {
			assert(entry->origin.id && entry->origin.id[0]);
			assert(entry->origin.slot);
		}
	}
	journal_entries_done(&entries);
	return 0;
}
