/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - batches of events in JSON to any HTTP receiver.
 *
 * A batch may arrive twice, when its answer was lost: each event carries its own "event.id".
 */
#include "sink/post.h"

#define HTTP_BATCH_COUNT 1000

static bool http_wanted(const struct sink_settings *settings)
{
	return settings->http.url != NULL;
}

/* One event a line. */
static void http_compose_lines(struct post *post, const struct spool_item *items, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		text_put(&post->body, items[n].payload);
		text_putc(&post->body, '\n');
	}
}

static void http_compose_array(struct post *post, const struct spool_item *items, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		text_putc(&post->body, n ? ',' : '[');
		text_put(&post->body, items[n].payload);
	}
	text_putc(&post->body, ']');
}

static int http_check(const struct sink_settings *settings, const char **ret_key, struct error *err)
{
	return post_check_url(settings->http.url, "http.url", ret_key, err);
}

static int http_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	bool lines = settings->http.body == HTTP_ndjson;
	const struct post_settings post = {
		.url = settings->http.url,
		.tls = &settings->http.tls,
		.content_type = lines ? "application/x-ndjson" : "application/json",
		.token = settings->http.token,
		.header = settings->http.header,
		.key_setting = "http.token",
		.flush_count = settings->http.flush_count,
		.flush_ns = settings->http.flush_ns,
		.batch_count = HTTP_BATCH_COUNT,
		.compose = lines ? http_compose_lines : http_compose_array,
	};

	sink->measures = settings->http.format == FORMAT_measurement;
	return post_open(sink, &post, err);
}

static void http_put(struct sink *sink, const struct event *event)
{
	post_put(sink, event,
		 event_encoder_of((enum event_format)sink->env->settings->http.format));
}

const struct sink_kind sink_http = {
	.name = "http",
	.help = "batches of events in JSON to an HTTP receiver",
	.state_bytes = sizeof(struct post),
	.wanted = http_wanted,
	.check = http_check,
	.open = http_open,
	.put = http_put,
	.flush = post_flush,
	.busy = post_busy,
	.close = post_close,
};
