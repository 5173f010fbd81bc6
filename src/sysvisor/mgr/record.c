/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/mgr/record.h"

#include "base/json.h"

const char *const record_state_names[RECORD_STATE_COUNT] = { "registered", "running", "stopped" };

bool record_id_is_valid(const char *id)
{
	size_t bytes = strlen(id);

	return bytes > 0 && bytes <= RECORD_ID_BYTES && id[0] != '.' && id[0] != '-' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") ==
		       bytes;
}

/* --- texts and numbers of a record: one row each, for writing and reading --- */

static const struct {
	const char *key;
	size_t at;
} record_texts[RECORD_TEXT_COUNT] = {
	{ "id", offsetof(struct record, id) },
	{ "bundle", offsetof(struct record, bundle) },
	{ "rootfs", offsetof(struct record, rootfs) },
	{ "storage", offsetof(struct record, storage) },
};

char **record_text(const struct record *record, size_t n, const char **ret_key)
{
	if (ret_key)
		*ret_key = record_texts[n].key;
	return (char **)((char *)(uintptr_t)record + record_texts[n].at);
}

struct record *record_new(const char *id)
{
	struct record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->watch = -1;
	for (size_t n = 0; n < RECORD_TEXT_COUNT; n++) {
		*record_text(record, n, NULL) = strdup(n == 0 ? id : "");
		if (!*record_text(record, n, NULL)) {
			record_free(record);
			return NULL;
		}
	}
	return record;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	for (size_t n = 0; n < RECORD_TEXT_COUNT; n++)
		free(*record_text(record, n, NULL));
	for (size_t n = 0; n < VOLUME_COUNT; n++)
		free(record->destinations[n]);
	free(record);
}

static void record_put_destinations(const struct record *record, struct json *json)
{
	json_key(json, SLICE("volumes"));
	json_open(json, '{');
	for (size_t n = 0; n < VOLUME_COUNT; n++) {
		if (!record->destinations[n])
			continue;
		json_key(json, slice_of(volume_rows[n].name));
		json_text(json, slice_of(record->destinations[n]));
	}
	json_close(json, '}');
}

void record_put(const struct record *record, struct text *out)
{
	struct json json = { .out = out };
	const struct {
		struct slice key;
		uint64_t value;
	} numbers[] = {
		{ SLICE("ids_first"), record->ids.first },
		  { SLICE("ids_count"), record->ids.count },
		    { SLICE("init_pid"), record->init_pid },
		      { SLICE("user_namespace"), record->user_namespace },
			{ SLICE("network_namespace"), record->network_namespace },
			  { SLICE("created_ms"), record->created_ms },
			};

	json_open(&json, '{');
	for (size_t n = 0; n < RECORD_TEXT_COUNT; n++) {
		json_key(&json, slice_of(record_texts[n].key));
		json_text(&json, slice_of(*record_text(record, n, NULL)));
	}
	json_key(&json, SLICE("state"));
	json_text(&json, slice_of(record_state_names[record->state]));
	json_key(&json, SLICE("exclusive"));
	json_bool(&json, record->exclusive);
	for (size_t n = 0; n < array_count(numbers); n++) {
		json_key(&json, numbers[n].key);
		json_u64(&json, numbers[n].value);
	}
	record_put_destinations(record, &json);
	json_close(&json, '}');
	text_putc(out, '\n');
}

void record_put_gone(const char *id, struct text *out)
{
	struct json json = { .out = out };

	json_open(&json, '{');
	json_key(&json, SLICE("id"));
	json_text(&json, slice_of(id));
	json_key(&json, SLICE("gone"));
	json_bool(&json, true);
	json_close(&json, '}');
	text_putc(out, '\n');
}
