/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3 - batches of events as objects in a bucket of an S3 service.
 *
 * An object is named after its first event's time and place in the queue: what was uploaded, but
 * not acknowledged, goes to the same name again. Large ones go in parts (s3_upload.h).
 */
#include "sink/courier.h"
#include "sink/pack.h"
#include "sink/s3_credentials.h"
#include "sink/s3_key.h"
#include "sink/s3_upload.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

#define S3_BATCH_COUNT 100000

struct s3 {
	struct courier courier;
	struct s3_credentials credentials;
	struct http_client *client;
	struct s3_upload upload;
	event_encoder *encode;
	bool array;
	enum s3_compression compression;
	const struct spool_item *items;
	size_t item_count;
	struct text payload; /* of the event being put: its time, then its words */
	struct text body, packed;
	struct text region, base, url, signature, user_agent;
};

static bool s3_wanted(const struct sink_settings *settings)
{
	return settings->s3.bucket != NULL;
}

/* --- one object --- */

static void s3_on_uploaded(struct s3_upload *upload, enum courier_verdict verdict,
			   unsigned int status, const struct error *err)
{
	struct s3 *s3 = container_of(upload, struct s3, upload);

	/* An object is large, and the next one may be far. */
	text_done(&s3->body);
	text_done(&s3->packed);
	upload->body = (struct slice){ 0 };
	if (status && verdict != COURIER_delivered)
		s3_credentials_forget(&s3->credentials);
	courier_tell(&s3->courier, verdict, upload->request.retry_after_s * NS_PER_S, err);
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
		.pipeline = slice_of(s3->courier.sink->name),
		.program = slice_of(env->origin->program),
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

static const char *s3_type(const struct s3 *s3, bool packed)
{
	if (packed)
		return s3->compression == S3_zstd ? "Content-Type: application/zstd"
						  : "Content-Type: application/gzip";
	return s3->array ? "Content-Type: application/json" : "Content-Type: application/x-ndjson";
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
	s3_set_url(s3, packed);
	s3->upload.body = text_slice(packed ? &s3->packed : &s3->body);
	s3->upload.type = s3_type(s3, packed);
	s3_upload_start(&s3->upload, text_slice(&s3->url), &s3->credentials);
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
	s3->upload.client = s3->client;
	s3->upload.signature = text_str(&s3->signature);
	s3->upload.user_agent = text_str(&s3->user_agent);
	s3->upload.threshold_bytes = settings->s3.multipart_threshold;
	s3->upload.part_bytes = settings->s3.part_bytes;
	s3->upload.done = s3_on_uploaded;
	s3->courier.flush_count = settings->s3.flush_count;
	s3->courier.flush_ns = settings->s3.flush_ns;
	s3->courier.batch_count = S3_BATCH_COUNT;
	s3->courier.batch_bytes = settings->s3.object_bytes;
	s3->courier.deliver = s3_deliver;
}

static int s3_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct s3 *s3 = sink->state;
	int r = s3_key_check(slice_of(settings->s3.key), err);

	if (r == 0)
		r = sink_set_tls(&settings->s3.tls, &s3->upload.request.tls, err);
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
	struct text *const texts[] = { &s3->payload, &s3->body, &s3->packed,	&s3->region,
				       &s3->base,    &s3->url,	&s3->signature, &s3->user_agent };

	courier_close(&s3->courier);
	s3_credentials_done(&s3->credentials);
	s3_upload_done(&s3->upload);
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
