/* SPDX-License-Identifier: Apache-2.0 */
/* polycorder - batches of events to a Polycorder, in the schema that it knows. */
#include "sink/post.h"

#include "base/json.h"

#define POLYCORDER_BATCH_COUNT 100

static bool polycorder_wanted(const struct sink_settings *settings)
{
	return settings->polycorder.auth_key != NULL;
}

static void polycorder_compose(struct post *post, const struct spool_item *items, size_t count)
{
	const struct event_origin *origin = post->courier.sink->env->origin;
	struct json json = { .out = &post->body };

	json_open(&json, '{');
	json_key(&json, SLICE("node_id"));
	json_text(&json, slice_of(origin->node_id));
	json_key(&json, SLICE("events"));
	json_open(&json, '[');
	for (size_t n = 0; n < count; n++)
		json_raw(&json, items[n].payload);
	json_close(&json, ']');
	json_close(&json, '}');
}

static int polycorder_check(const struct sink_settings *settings, const char **ret_key,
			    struct error *err)
{
	return post_check_url(settings->polycorder.url, "polycorder.url", ret_key, err);
}

static int polycorder_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	uint64_t flush_count = settings->polycorder.flush_count;
	const struct post_settings post = {
		.url = settings->polycorder.url,
		.tls = &settings->polycorder.tls,
		.content_type = "application/json",
		.token = settings->polycorder.auth_key,
		.key_setting = "polycorder.auth_key",
		.name_identity = true,
		.flush_count = flush_count,
		.flush_ns = settings->polycorder.flush_ns,
		.batch_count =
			flush_count > POLYCORDER_BATCH_COUNT ? flush_count : POLYCORDER_BATCH_COUNT,
		.compose = polycorder_compose,
	};

	return post_open(sink, &post, err);
}

static void polycorder_put(struct sink *sink, const struct event *event)
{
	if (event_has_json_v1(event->kind))
		post_put(sink, event, event_put_json_v1);
	else
		sink->skipped.value++;
}

const struct sink_kind sink_polycorder = {
	.name = "polycorder",
	.help = "batches of events to a Polycorder",
	.state_bytes = sizeof(struct post),
	.wanted = polycorder_wanted,
	.check = polycorder_check,
	.open = polycorder_open,
	.put = polycorder_put,
	.flush = post_flush,
	.busy = post_busy,
	.close = post_close,
};
