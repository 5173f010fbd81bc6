/* SPDX-License-Identifier: Apache-2.0 */
/* record_parse - the way back from a line of the journal; the text is what some daemon of ours
 * wrote, or half of it. */
#include "sysvisor/mgr/record.h"

#include <errno.h>
#include <jansson.h>

static uint64_t record_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static int record_fill_texts(struct record *record, const json_t *object)
{
	for (size_t n = 1; n < RECORD_TEXT_COUNT; n++) {
		const char *key, *value;
		char **text = record_text(record, n, &key), *copy;

		value = json_string_value(json_object_get(object, key));
		copy = strdup(value ? value : "");
		if (!copy)
			return -ENOMEM;
		free(*text);
		*text = copy;
	}
	for (size_t n = 0; n < VOLUME_COUNT; n++) {
		const char *value = json_string_value(
			json_object_get(json_object_get(object, "volumes"), volume_rows[n].name));

		if (value && !(record->destinations[n] = strdup(value)))
			return -ENOMEM;
	}
	return 0;
}

static int record_fill(struct record *record, const json_t *object)
{
	const char *state = json_string_value(json_object_get(object, "state"));
	uint64_t first = record_number(object, "ids_first");
	uint64_t count = record_number(object, "ids_count");

	if (!state || first > UINT32_MAX || count > UINT32_MAX)
		return -EBADMSG;
	while (strcmp(record_state_names[record->state], state) != 0) {
		if (record->state == RECORD_STATE_COUNT - 1)
			return -EBADMSG;
		record->state++;
	}
	record->ids = (struct ids_range){ (uint32_t)first, (uint32_t)count };
	record->exclusive = json_is_true(json_object_get(object, "exclusive"));
	record->init_pid = (uint32_t)record_number(object, "init_pid");
	record->user_namespace = record_number(object, "user_namespace");
	record->network_namespace = record_number(object, "network_namespace");
	record->created_ms = record_number(object, "created_ms");
	return record_fill_texts(record, object);
}

int record_parse(struct slice line, struct record **ret_record, bool *gone)
{
	json_t *object = json_loadb(line.at, line.bytes, 0, NULL);
	const char *id = json_string_value(json_object_get(object, "id"));
	struct record *record = NULL;
	int r = -EBADMSG;

	if (id && record_id_is_valid(id)) {
		record = record_new(id);
		*gone = json_is_true(json_object_get(object, "gone"));
		r = !record ? -ENOMEM : *gone ? 0 : record_fill(record, object);
	}
	json_decref(object);
	if (r < 0) {
		record_free(record);
		return r;
	}
	*ret_record = record;
	return 0;
}
