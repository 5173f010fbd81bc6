/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-klog - any lines as the kernel's log; lines that are no records are taken for texts. */
#include <assert.h>

#include "event/encode.h"
#include "sensor/klog/klog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_emit(struct event_port *port, struct event *event)
{
	static const struct event_origin origin = { .run_id = "0123456789abcdef" };
	auto_text struct text out = { 0 };

	(void)port;
	/* Reads every byte that the event lends. */
	event_put_json(event, &origin, &out);
	event_put_message(event, &out);
	assert(!out.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct event_port port = { fuzz_emit };
	struct slice rest = { (const char *)data, bytes }, line;
	struct klog *klog;
	struct error err;
	char room[KMSG_RECORD_BYTES];

	if (bytes > 1 << 18 || klog_new(&klog, &port, &err) < 0)
		return 0;
	while (slice_next(&rest, '\n', &line)) {
		struct kmsg_record record = { .flag = '-' };

		line = slice_first(line, sizeof(room));
		if (!kmsg_parse(line, room, &record))
			record = (struct kmsg_record){ .flag = '-',
						       .text = kmsg_decode(line, room) };
		klog_take(klog, &record, 1, 1);
	}
	klog_flush(klog);
	assert(!klog_is_open(klog));
	klog_free(klog);
	return 0;
}
