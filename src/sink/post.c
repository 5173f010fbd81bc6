/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/post.h"

#include <errno.h>

#include "base/clock.h"
#include "sink/pack.h"

#define POST_GZIP_BYTES	  512
#define POST_BATCH_BYTES  (1u << 20)
#define POST_ANSWER_BYTES 4096

enum courier_verdict post_verdict(unsigned int status)
{
	static const struct {
		unsigned int first, last;
		enum courier_verdict verdict;
	} rows[] = {
		{ 200, 299, COURIER_delivered }, { 400, 400, COURIER_refused },
		{ 401, 401, COURIER_denied },	 { 403, 403, COURIER_denied },
		{ 413, 413, COURIER_refused },	 { 422, 422, COURIER_refused },
	};

	for (size_t n = 0; n < array_count(rows); n++)
		if (status >= rows[n].first && status <= rows[n].last)
			return rows[n].verdict;
	return COURIER_failed; /* also a wrong path (404): no reason to lose events */
}

/* The start of the receiver's words, without what a terminal would obey. */
static void post_put_answer(const struct post *post, struct text *out)
{
	struct slice answer = slice_first(text_slice(&post->request.answer), 80);

	if (answer.bytes)
		text_put(out, SLICE(": "));
	for (size_t n = 0; n < answer.bytes; n++)
		text_putc(out, answer.at[n] >= ' ' && answer.at[n] <= '~' ? answer.at[n] : ' ');
}

static void post_explain(const struct post *post, enum courier_verdict verdict, unsigned int status,
			 struct error *err)
{
	auto_text struct text words = { 0 };

	text_put(&words, SLICE("POST to '"));
	http_put_place(post->settings.url, &words);
	text_printf(&words, "': HTTP status %u", status);
	/* Whoever denies us may quote the key that he denies. */
	if (verdict == COURIER_denied)
		text_printf(&words, ": access denied; check '%s'", post->settings.key_setting);
	else
		post_put_answer(post, &words);
	if (verdict == COURIER_refused)
		text_put(&words, SLICE(" (events that are refused one by one are lost)"));
	error_say(err, EPROTO, "%s", text_str(&words));
}

static void post_on_done(struct http_request *request, unsigned int status, const struct error *err)
{
	struct post *post = container_of(request, struct post, request);
	enum courier_verdict verdict = status ? post_verdict(status) : COURIER_failed;
	struct error why = *err;

	if (status == 415) /* Unsupported Media Type: it doesn't know gzip */
		post->settings.plain = true;
	if (status && verdict != COURIER_delivered)
		post_explain(post, verdict, status, &why);
	courier_tell(&post->courier, verdict, request->retry_after_s * NS_PER_S, &why);
}

size_t post_split_headers(const char *lines, struct text *memory, const char **list)
{
	struct slice rest = slice_of(lines);
	size_t count = 0;
	char *at;

	text_clear(memory);
	if (!lines)
		return 0;
	text_put(memory, rest);
	text_putc(memory, '\0');
	for (at = memory->failed ? NULL : memory->at; at && count < POST_MORE_HEADERS;) {
		char *end = strchr(at, '\n');

		if (*at)
			list[count++] = at;
		at = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
	}
	return count;
}

static void post_set_headers(struct post *post, bool packed)
{
	const char *const candidates[] = {
		text_str(&post->type),
		text_str(&post->user_agent),
		"Expect:", /* no waiting for leave to send a large body */
		post->settings.token ? text_str(&post->authorization) : NULL,
		packed			       ? "Content-Encoding: gzip"
		: post->settings.name_identity ? "Content-Encoding: identity"
					       : NULL,
	};
	size_t count = 0;

	for (size_t n = 0; n < array_count(candidates); n++)
		if (candidates[n])
			post->headers[count++] = candidates[n];
	count += post_split_headers(post->settings.header, &post->more_headers,
				    post->headers + count);
	post->headers[count] = NULL;
}

static void post_send(struct post *post)
{
	bool packed = false;
	struct error err;

	if (post->body.failed) {
		error_errno(&err, ENOMEM, "POST to '%s'", post->courier.sink->kind->name);
		courier_tell(&post->courier, COURIER_failed, 0, &err);
		return;
	}
	if (post->body.bytes > POST_GZIP_BYTES && !post->settings.plain)
		packed = pack_gzip(text_slice(&post->body), &post->packed);
	post->request.body = text_slice(packed ? &post->packed : &post->body);
	post_set_headers(post, packed);
	if (http_start(post->client, &post->request, &err) < 0)
		courier_tell(&post->courier, COURIER_failed, 0, &err);
}

static void post_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct post *post = container_of(courier, struct post, courier);

	text_clear(&post->body);
	post->settings.compose(post, items, count);
	post_send(post);
}

/* --- what the sinks share --- */

static void post_prepare(struct post *post, const struct sink_env *env)
{
	const struct post_settings *settings = &post->settings;

	text_printf(&post->type, "Content-Type: %s", settings->content_type);
	text_printf(&post->user_agent, "User-Agent: %s/%s", env->origin->program,
		    env->origin->version);
	if (settings->token)
		text_printf(&post->authorization, "Authorization: Bearer %.*s",
			    SLICE_ARG(slice_trim(slice_of(settings->token))));
	post->request.method = "POST";
	post->request.url = settings->url;
	post->request.headers = post->headers;
	post->request.limit_bytes = POST_ANSWER_BYTES;
	post->request.cut_answer = true;
	post->request.done = post_on_done;
}

int post_check_url(const char *url, const char *key, const char **ret_key, struct error *err)
{
	struct slice words = slice_of(url);

	if (slice_starts(words, SLICE("http://")) || slice_starts(words, SLICE("https://")))
		return 0;
	*ret_key = key;
	return error_say(err, EINVAL, "'%s' is '%s', has to begin with http:// or https://", key,
			 url);
}

int post_open(struct sink *sink, const struct post_settings *settings, struct error *err)
{
	struct post *post = sink->state;
	int r = 0;

	if (settings->tls)
		r = sink_set_tls(settings->tls, &post->request.tls, err);
	if (r < 0)
		return r;
	post->settings = *settings;
	post->client = sink->env->http(sink->env->owner, err);
	if (!post->client)
		return -EIO;
	post_prepare(post, sink->env);
	post->courier.flush_count = settings->flush_count;
	post->courier.flush_ns = settings->flush_ns;
	post->courier.batch_count = settings->batch_count;
	post->courier.batch_bytes = POST_BATCH_BYTES;
	post->courier.deliver = post_deliver;
	return courier_open(&post->courier, sink, err);
}

void post_put(struct sink *sink, const struct event *event, event_encoder *encode)
{
	struct post *post = sink->state;

	text_clear(&post->payload);
	encode(event, sink->env->origin, &post->payload);
	if (post->payload.failed)
		sink->lost.value++;
	else
		courier_put(&post->courier, text_slice(&post->payload));
}

void post_flush(struct sink *sink)
{
	courier_flush(&((struct post *)sink->state)->courier);
}

bool post_busy(const struct sink *sink)
{
	return courier_busy(&((const struct post *)sink->state)->courier);
}

void post_close(struct sink *sink)
{
	struct post *post = sink->state;

	courier_close(&post->courier);
	http_request_done(&post->request);
	text_done(&post->payload);
	text_done(&post->body);
	text_done(&post->packed);
	text_done(&post->type);
	text_done(&post->user_agent);
	text_done(&post->authorization);
	text_done(&post->more_headers);
}
