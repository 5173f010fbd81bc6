/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagerduty - detections as incidents, through PagerDuty's Events API v2.
 *
 * All detections of one case are one incident (dedup_key); it is resolved when the case is. The
 * routing key is put in when a request is made: it is never on disk.
 */
#include "sink/post.h"

#include "base/clock.h"
#include "base/json.h"

#define PAGERDUTY_SUMMARY_BYTES 1024 /* the API's limits */
#define PAGERDUTY_KEY_BYTES	255

static const char *const pagerduty_severities[SEVERITY_COUNT] = {
	[SEVERITY_debug] = "info",	  [SEVERITY_info] = "info",
	[SEVERITY_warning] = "warning",	  [SEVERITY_error] = "error",
	[SEVERITY_critical] = "critical",
};

static bool pagerduty_wanted(const struct sink_settings *settings)
{
	return settings->pagerduty.routing_key != NULL;
}

static void pagerduty_member(struct json *json, struct slice key, struct slice value)
{
	json_key(json, key);
	json_text(json, value);
}

/* As much as the limit permits, without half a character. */
static struct slice pagerduty_cut(struct slice text, size_t bytes)
{
	if (text.bytes <= bytes)
		return text;
	while (bytes && ((unsigned char)text.at[bytes] & 0xc0) == 0x80)
		bytes--;
	return slice_first(text, bytes);
}

static void pagerduty_put_payload(const struct event *event, const struct event_origin *origin,
				  struct json *json)
{
	auto_text struct text words = { 0 };
	char time[CLOCK_RFC3339_BYTES];

	clock_rfc3339(time, event->wall_ns);
	event_put_message(event, &words);
	json_key(json, SLICE("payload"));
	json_open(json, '{');
	pagerduty_member(json, SLICE("summary"),
				     pagerduty_cut(text_slice(&words), PAGERDUTY_SUMMARY_BYTES));
	pagerduty_member(json, SLICE("source"), slice_of(origin->host));
	pagerduty_member(json, SLICE("severity"), slice_of(pagerduty_severities[event->severity]));
	pagerduty_member(json, SLICE("timestamp"), (struct slice){ time, sizeof(time) });
	pagerduty_member(json, SLICE("component"), event_text_of(event, FIELD_comm));
	pagerduty_member(json, SLICE("class"), slice_of(event_kinds[event->kind].name));
	text_clear(&words);
	event_put_json(event, origin, &words);
	json_key(json, SLICE("custom_details"));
	json_raw(json, text_slice(&words));
	json_close(json, '}');
	if (words.failed)
		json->out->failed = true;
}

/* The request without its first member, the routing key. */
static void pagerduty_encode(const struct event *event, const struct event_origin *origin,
			     struct text *out)
{
	bool resolved = slice_is(event_text_of(event, FIELD_detection_state), "resolved");
	struct json json = { .out = out };

	pagerduty_member(&json, SLICE("event_action"),
				      resolved ? SLICE("resolve") : SLICE("trigger"));
	pagerduty_member(&json, SLICE("dedup_key"),
				      pagerduty_cut(event_text_of(event, FIELD_detection_key),
						    PAGERDUTY_KEY_BYTES));
	pagerduty_put_payload(event, origin, &json);
	pagerduty_member(&json, SLICE("client"), slice_of(origin->program));
	text_putc(out, '}');
}

/* The API takes one event a request. */
static void pagerduty_compose(struct post *post, const struct spool_item *items, size_t count)
{
	const struct sink_settings *settings = post->courier.sink->env->settings;
	struct json json = { .out = &post->body };

	(void)count;
	json_open(&json, '{');
	pagerduty_member(&json, SLICE("routing_key"),
				      slice_trim(slice_of(settings->pagerduty.routing_key)));
	text_putc(&post->body, ',');
	text_put(&post->body, items->payload);
}

static int pagerduty_check(const struct sink_settings *settings, const char **ret_key,
			   struct error *err)
{
	return post_check_url(settings->pagerduty.url, "pagerduty.url", ret_key, err);
}

static int pagerduty_open(struct sink *sink, struct error *err)
{
	const struct post_settings post = {
		.url = sink->env->settings->pagerduty.url,
		.content_type = "application/json",
		.key_setting = "pagerduty.routing_key",
		.plain = true,
		.flush_count = 1,
		.batch_count = 1,
		.compose = pagerduty_compose,
	};

	return post_open(sink, &post, err);
}

static void pagerduty_put(struct sink *sink, const struct event *event)
{
	if (event_kind_has(event->kind, FIELD_detection_key))
		post_put(sink, event, pagerduty_encode);
	else
		sink->skipped.value++;
}

const struct sink_kind sink_pagerduty = {
	.name = "pagerduty",
	.help = "detections as incidents in PagerDuty",
	.state_bytes = sizeof(struct post),
	.wanted = pagerduty_wanted,
	.check = pagerduty_check,
	.open = pagerduty_open,
	.put = pagerduty_put,
	.flush = post_flush,
	.busy = post_busy,
	.close = post_close,
};
