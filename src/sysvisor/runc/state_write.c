/* SPDX-License-Identifier: Apache-2.0 */
/* A container's state as JSON: for us, and for engines and hooks. */
#include "base/json.h"
#include "sysvisor/runc/state.h"

static void state_write_map(struct json *json, struct slice key, const struct spec_list *map)
{
	const struct id_range *range;

	json_key(json, key);
	json_open(json, '[');
	spec_each(map, range) {
		json_open(json, '{');
		json_key(json, SLICE("containerID"));
		json_u64(json, range->inner_id);
		json_key(json, SLICE("hostID"));
		json_u64(json, range->host_id);
		json_key(json, SLICE("size"));
		json_u64(json, range->count);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* The part of the specification that is needed again, as it came. */
static void state_write_part(struct json *json, const struct spec *spec, const char *key)
{
	auto_free char *text = spec_part(spec, key);

	if (!text)
		return;
	json_key(json, slice_of(key));
	json_raw(json, slice_of(text));
}

void state_write(const struct state *state, const struct spec *spec, struct text *out)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "ociVersion", state->version },
		{ "id", state->id },
		{ "bundle", state->bundle },
		{ "rootfs", state->rootfs },
		{ "storage", state->storage },
		{ "created", state->created },
		{ "cgroup", state->cgroup },
		{ "personality", state->personality },
		{ "listenerPath", state->listener_path },
		{ "listenerMetadata", state->listener_metadata },
	};
	struct json json = { .out = out };

	json_open(&json, '{');
	for (size_t n = 0; n < array_count(texts); n++) {
		json_key(&json, slice_of(texts[n].key));
		json_text(&json, slice_of(texts[n].value ? texts[n].value : ""));
	}
	if (state->scope) {
		json_key(&json, SLICE("scope"));
		json_text(&json, slice_of(state->scope));
	}
	json_key(&json, SLICE("pid"));
	json_i64(&json, state->pid.value);
	json_key(&json, SLICE("startTicks"));
	json_i64(&json, state->start_ticks.value);
	json_key(&json, SLICE("owner"));
	json_i64(&json, state->owner.value);
	json_key(&json, SLICE("honorCaps"));
	json_bool(&json, state->honor_caps);
	json_key(&json, SLICE("plain"));
	json_bool(&json, state->plain);
	json_key(&json, SLICE("services"));
	json_bool(&json, state->services);
	json_key(&json, SLICE("systemd"));
	json_bool(&json, state->systemd);
	state_write_map(&json, SLICE("uidMappings"), &state->uid_map);
	state_write_map(&json, SLICE("gidMappings"), &state->gid_map);
	state_write_part(&json, spec, "annotations");
	state_write_part(&json, spec, "hooks");
	json_close(&json, '}');
	text_putc(out, '\n');
}

const char *state_status_name(enum state_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
					     "stopped" };

	return names[status];
}

void state_print(const struct state *state, enum state_status status, struct text *out)
{
	struct json json = { .out = out };
	const struct spec_pair *pair;

	json_open(&json, '{');
	json_key(&json, SLICE("ociVersion"));
	json_text(&json, slice_of(state->version));
	json_key(&json, SLICE("id"));
	json_text(&json, slice_of(state->id));
	json_key(&json, SLICE("status"));
	json_text(&json, slice_of(state_status_name(status)));
	json_key(&json, SLICE("pid"));
	json_i64(&json, status == STATE_stopped ? 0 : state->pid.value);
	json_key(&json, SLICE("bundle"));
	json_text(&json, slice_of(state->bundle));
	json_key(&json, SLICE("rootfs"));
	json_text(&json, slice_of(state->rootfs));
	json_key(&json, SLICE("created"));
	json_text(&json, slice_of(state->created));
	json_key(&json, SLICE("owner"));
	json_text(&json, state->owner.value == 0 ? SLICE("root") : SLICE(""));
	if (state->annotations.count) {
		json_key(&json, SLICE("annotations"));
		json_open(&json, '{');
		spec_each(&state->annotations, pair) {
			json_key(&json, slice_of(pair->key));
			json_text(&json, slice_of(pair->value));
		}
		json_close(&json, '}');
	}
	json_close(&json, '}');
}
