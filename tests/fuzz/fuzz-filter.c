/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of any form: they are refused, or asked of an event without harm. */
#include "pipeline/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct event_origin origin = { .host = "web1" };
	static const struct event_pair labels[] = { { SLICE("app"), SLICE("shop") } };
	struct filter *filter;
	struct error err = { 0 };
	static struct event event;

	event_init(&event, EVENT_process_exec, 1, 0);
	event_number(&event, FIELD_pid, 4711);
	event_text(&event, FIELD_comm, SLICE("10.1.2.3"));
	event_map(&event, FIELD_container_labels, (struct event_map){ labels, 1 });
	if (filter_parse(&filter, (struct slice){ (const char *)data, bytes }, &err) < 0) {
		if (strncmp(err.text, "column ", 7) != 0)
			abort();
		return 0;
	}
	filter_matches(filter, &event, &origin);
	filter_free(filter);
	return 0;
}
