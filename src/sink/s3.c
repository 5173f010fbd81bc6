/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3 - batches of events as objects in a bucket of an S3 service.
 *
 * An object is named after its first event's time and place in the queue: what was uploaded, but
 * not acknowledged, goes to the same name again. Objects stay far below the size from which
 * uploading in parts pays.
 */
#include "sink/courier.h"
#include "sink/pack.h"
#include "sink/s3_credentials.h"
#include "sink/s3_key.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/sha256.h"

#define S3_BATCH_COUNT	100000
#define S3_BATCH_BYTES	(8u << 20)
#define S3_ANSWER_BYTES 4096
#define S3_TIMEOUT_MS	120000

struct s3 {
	struct courier courier;
	struct s3_credentials credentials;
	struct http_client *client;
	struct http_request request;
	event_encoder *encode;
	bool array;
	enum s3_compression compression;
	const struct spool_item *items;
	size_t item_count;
	struct text payload; /* of the event being put: its time, then its words */
	struct text body, packed;
	struct text region, base, url, signature, token, user_agent;
	char hash[sizeof("x-amz-content-sha256: ") + SHA256_HEX_BYTES];
	const char *headers[6];
};

static bool s3_wanted(const struct sink_settings *settings)
{
	return settings->s3.bucket != NULL;
}

/* --- one object --- */

static void s3_put_printable(struct text *out, struct slice text)
{
	for (size_t n = 0; n < text.bytes; n++)
		text_putc(out, text.at[n] >= ' ' && text.at[n] <= '~' ? text.at[n] : ' ');
}

static void s3_explain(struct s3 *s3, unsigned int status, struct error *err)
{
	struct slice answer = text_slice(&s3->request.answer);
	auto_text struct text words = { 0 };

	http_put_place(s3->request.url, &words);
	text_printf(&words, "': HTTP status %u ", status);
	s3_put_printable(&words, s3_xml_text(answer, "Code"));
	text_put(&words, SLICE(": "));
	s3_put_printable(&words, slice_first(s3_xml_text(answer, "Message"), 100));
	error_say(err, EPROTO, "upload '%s", text_str(&words));
}

/* Services answer 400 for a wrong region, an expired key or a slow sender, too: that is no reason
 * to lose events. Only what is too large is refused for what it is. */
static enum courier_verdict s3_verdict(unsigned int status)
{
	if (status >= 200 && status <= 299)
		return COURIER_delivered;
	if (status == 401 || status == 403)
		return COURIER_denied;
	return status == 413 ? COURIER_refused : COURIER_failed;
}

static void s3_on_done(struct http_request *request, unsigned int status, const struct error *err)
{
	struct s3 *s3 = container_of(request, struct s3, request);
	enum courier_verdict verdict = s3_verdict(status);
	struct error why = *err;

	if (status && verdict != COURIER_delivered) {
		s3_explain(s3, status, &why);
		s3_credentials_forget(&s3->credentials);
	}
	courier_tell(&s3->courier, verdict, request->retry_after_s * NS_PER_S, &why);
}

static struct slice s3_words(const struct spool_item *item)
{
	return slice_skip(item->payload, sizeof(uint64_t));
}

static void s3_compose(struct s3 *s3)
{
	struct text *body = &s3->body;

	text_clear(body);
	if (s3->array)
		text_putc(body, '[');
	for (size_t n = 0; n < s3->item_count; n++) {
		if (n && s3->array)
			text_put(body, SLICE(",\n"));
		text_put(body, s3_words(&s3->items[n]));
		if (!s3->array)
			text_putc(body, '\n');
	}
	if (s3->array)
		text_put(body, SLICE("]\n"));
}

static void s3_set_url(struct s3 *s3, bool packed)
{
	const struct sink_env *env = s3->courier.sink->env;
	struct s3_key key = {
		.host = slice_of(env->origin->host),
		.node = slice_of(env->origin->node_id),
		.file = s3->courier.batch.number,
		.offset = s3->items[0].end,
		.ext = s3->array ? SLICE(".json")
				 : SLICE(".ndjson"),
		};
	auto_text struct text ext = { 0 };

	if (s3->items[0].payload.bytes >= sizeof(key.wall_ns))
		memcpy(&key.wall_ns, s3->items[0].payload.at, sizeof(key.wall_ns));
	text_put(&ext, key.ext);
	if (packed)
		text_put(&ext, s3->compression == S3_zstd ? SLICE(".zst") : SLICE(".gz"));
	key.ext = text_slice(&ext);
	text_clear(&s3->url);
	text_put(&s3->url, text_slice(&s3->base));
	s3_put_key(slice_of(env->settings->s3.key), &key, &s3->url);
}

static void s3_set_headers(struct s3 *s3, bool packed)
{
	const char *type = !packed ? s3->array ? "Content-Type: application/json"
					       : "Content-Type: application/x-ndjson"
			   : s3->compression == S3_zstd ? "Content-Type: application/zstd"
							: "Content-Type: application/gzip";
	char hex[SHA256_HEX_BYTES];
	size_t count = 0;

	/* libcurl signs what this says the body is. */
	sha256_hex(s3->request.body, hex);
	snprintf(s3->hash, sizeof(s3->hash), "x-amz-content-sha256: %s", hex);
	text_clear(&s3->token);
	text_printf(&s3->token, "x-amz-security-token: %s", text_str(&s3->credentials.token));
	s3->headers[count++] = type;
	s3->headers[count++] = s3->hash;
	s3->headers[count++] = text_str(&s3->user_agent);
	if (s3->credentials.token.bytes)
		s3->headers[count++] = text_str(&s3->token);
	s3->headers[count] = NULL;
}

static void s3_upload(struct s3 *s3)
{
	bool packed = false;
	struct error err;

	s3_compose(s3);
	if (s3->body.failed) {
		error_errno(&err, ENOMEM, "upload");
		courier_tell(&s3->courier, COURIER_failed, 0, &err);
		return;
	}
	if (s3->compression == S3_gzip)
		packed = pack_gzip(text_slice(&s3->body), &s3->packed);
	else if (s3->compression == S3_zstd)
		packed = pack_zstd(text_slice(&s3->body), &s3->packed);
	s3->request.body = text_slice(packed ? &s3->packed : &s3->body);
	s3_set_url(s3, packed);
	s3_set_headers(s3, packed);
	s3->request.url = text_str(&s3->url);
	s3->request.user = text_str(&s3->credentials.user);
	if (http_start(s3->client, &s3->request, &err) < 0)
		courier_tell(&s3->courier, COURIER_failed, 0, &err);
}

static void s3_on_credentials(struct s3_credentials *credentials, const struct error *err)
{
	struct s3 *s3 = container_of(credentials, struct s3, credentials);

	if (err->code)
		courier_tell(&s3->courier, COURIER_failed, 0, err);
	else
		s3_upload(s3);
}

static void s3_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct s3 *s3 = container_of(courier, struct s3, courier);

	s3->items = items;
	s3->item_count = count;
	s3_credentials_get(&s3->credentials);
}

/* --- the sink --- */

static const char *s3_region(const struct sink_settings *settings)
{
	const char *const candidates[] = { settings->s3.region, getenv("AWS_REGION"),
					   getenv("AWS_DEFAULT_REGION") };

	for (size_t n = 0; n < array_count(candidates); n++)
		if (candidates[n] && *candidates[n])
			return candidates[n];
	return "eu-west-2";
}

/* "https://host/bucket/"; Amazon's own service takes this form, too. */
static int s3_set_base(struct s3 *s3, const struct sink_settings *settings, struct error *err)
{
	const char *endpoint = settings->s3.endpoint, *bucket = settings->s3.bucket;
	struct slice base;

	text_put(&s3->region, slice_of(s3_region(settings)));
	if (!endpoint)
		endpoint = getenv("AWS_ENDPOINT_URL_S3");
	if (!endpoint)
		endpoint = getenv("AWS_ENDPOINT_URL");
	for (const char *c = bucket; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return error_say(err, EINVAL,
					 "'s3.bucket' is '%s', which is no bucket's name", bucket);
	base = slice_of(endpoint);
	if (endpoint && !slice_starts(base, SLICE("http://")) &&
				      !slice_starts(base, SLICE("https://")))
		return error_say(err, EINVAL,
				 "'s3.endpoint' is '%s', has to begin with http:// or https://",
				 endpoint);
	while (slice_ends(base, SLICE("/")))
		base.bytes--;
	if (endpoint)
		text_put(&s3->base, base);
	else
		text_printf(&s3->base, "https://s3.%s.amazonaws.com", text_str(&s3->region));
	text_printf(&s3->base, "/%s/", bucket);
	text_printf(&s3->signature, "aws:amz:%s:s3", text_str(&s3->region));
	return 0;
}

static void s3_prepare(struct s3 *s3, const struct sink *sink)
{
	const struct sink_settings *settings = sink->env->settings;

	s3->encode = event_encoder_of((enum event_format)settings->s3.format);
	s3->array = settings->s3.body == S3_json_array;
	s3->compression = (enum s3_compression)settings->s3.compression;
	text_printf(&s3->user_agent, "User-Agent: %s/%s", sink->env->origin->program,
		    sink->env->origin->version);
	s3->credentials.client = s3->client;
	s3->credentials.access_key = settings->s3.access_key;
	s3->credentials.secret_key = settings->s3.secret_key;
	s3->credentials.session_token = settings->s3.session_token;
	s3->credentials.region = text_str(&s3->region);
	s3->credentials.ready = s3_on_credentials;
	s3->request.method = "PUT";
	s3->request.headers = s3->headers;
	s3->request.aws_sigv4 = text_str(&s3->signature);
	s3->request.limit_bytes = S3_ANSWER_BYTES;
	s3->request.cut_answer = true;
	s3->request.timeout_ms = S3_TIMEOUT_MS;
	s3->request.done = s3_on_done;
	s3->courier.flush_count = settings->s3.flush_count;
	s3->courier.flush_ns = settings->s3.flush_ns;
	s3->courier.batch_count = S3_BATCH_COUNT;
	s3->courier.batch_bytes = S3_BATCH_BYTES;
	s3->courier.deliver = s3_deliver;
}

static int s3_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct s3 *s3 = sink->state;
	int r = s3_key_check(slice_of(settings->s3.key), err);

	if (r == 0)
		r = sink_set_tls(&settings->s3.tls, &s3->request.tls, err);
	if (r == 0)
		r = s3_set_base(s3, settings, err);
	if (r < 0)
		return r;
	s3->client = sink->env->http(sink->env->owner, err);
	if (!s3->client)
		return -EIO;
	sink->measures = settings->s3.format == FORMAT_measurement;
	s3_prepare(s3, sink);
	return courier_open(&s3->courier, sink, err);
}

static void s3_put(struct sink *sink, const struct event *event)
{
	struct s3 *s3 = sink->state;

	text_clear(&s3->payload);
	text_put(&s3->payload,
		 (struct slice){ (const char *)&event->wall_ns, sizeof(event->wall_ns) });
	s3->encode(event, sink->env->origin, &s3->payload);
	if (s3->payload.failed)
		sink->lost.value++;
	else
		courier_put(&s3->courier, text_slice(&s3->payload));
}

static void s3_flush(struct sink *sink)
{
	courier_flush(&((struct s3 *)sink->state)->courier);
}

static bool s3_busy(const struct sink *sink)
{
	return courier_busy(&((const struct s3 *)sink->state)->courier);
}

static void s3_close(struct sink *sink)
{
	struct s3 *s3 = sink->state;
	struct text *const texts[] = { &s3->payload,   &s3->body,  &s3->packed,
				       &s3->region,    &s3->base,  &s3->url,
				       &s3->signature, &s3->token, &s3->user_agent };

	courier_close(&s3->courier);
	s3_credentials_done(&s3->credentials);
	http_request_done(&s3->request);
	for (size_t n = 0; n < array_count(texts); n++)
		text_done(texts[n]);
}

const struct sink_kind sink_s3 = {
	.name = "s3",
	.help = "batches of events as objects in an S3 bucket",
	.state_bytes = sizeof(struct s3),
	.wanted = s3_wanted,
	.open = s3_open,
	.put = s3_put,
	.flush = s3_flush,
	.busy = s3_busy,
	.close = s3_close,
};
