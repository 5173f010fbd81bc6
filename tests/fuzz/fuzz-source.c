/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-source - any bytes as a saved kernel log; the first one says in which pieces they come. */
#include <assert.h>

#include "sensor/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_emit(struct event_port *port, struct event *event)
{
	(void)port;
	assert(event->count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct event_port port = { fuzz_emit };
	struct slice log = { (const char *)data + 1, bytes - 1 };
	struct source *source;
	struct klog *klog;
	struct error err;
	size_t piece;

	if (bytes == 0 || klog_new(&klog, &port, &err) < 0)
		return 0;
	piece = 1 + (size_t)data[0] * 16;
	if (source_new(&source, klog, 1795363200000000000ull, &err) == 0) {
		for (; log.bytes; log = slice_skip(log, piece))
			source_take(source, slice_first(log, piece));
		source_end(source);
		assert(!klog_is_open(klog));
		source_free(source);
	}
	klog_free(klog);
	return 0;
}
