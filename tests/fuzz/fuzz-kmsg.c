/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-kmsg - any bytes as a record of /dev/kmsg. */
#include <assert.h>

#include "kernel/kmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct kmsg_record record;
	char room[KMSG_RECORD_BYTES];

	if (bytes > sizeof(room))
		return 0;
	if (!kmsg_parse((struct slice){ (const char *)data, bytes }, room, &record))
		return 0;
	assert(record.level < 8);
	assert(record.text.bytes + record.dictionary.bytes <= bytes);
	return 0;
}
