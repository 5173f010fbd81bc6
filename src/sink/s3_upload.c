/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/s3_upload.h"

#include <errno.h>

#include "base/clock.h"
#include "sink/s3_credentials.h"
#include "sink/s3_key.h"

#define S3_ANSWER_BYTES 4096
#define S3_TIMEOUT_MS	120000

static void s3_upload_send(struct s3_upload *upload, enum s3_stage stage);

/* --- what an answer says --- */

static void s3_put_printable(struct text *out, struct slice text)
{
	for (size_t n = 0; n < text.bytes; n++)
		text_putc(out, text.at[n] >= ' ' && text.at[n] <= '~' ? text.at[n] : ' ');
}

static void s3_explain(struct s3_upload *upload, unsigned int status, struct error *err)
{
	struct slice answer = text_slice(&upload->request.answer);
	auto_text struct text words = { 0 };

	http_put_place(upload->request.url, &words);
	text_put(&words, SLICE("'"));
	if (upload->stage != S3_STAGE_put)
		text_put(&words, SLICE(" in parts"));
	text_printf(&words, ": HTTP status %u ", status);
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

/* --- stages --- */

static size_t s3_part_count(const struct s3_upload *upload)
{
	return (upload->body.bytes + upload->part_bytes - 1) / upload->part_bytes;
}

static struct slice s3_part(const struct s3_upload *upload)
{
	return slice_first(slice_skip(upload->body, (upload->part - 1) * upload->part_bytes),
			   upload->part_bytes);
}

/* The end; what was stored of an upload in parts is given up first when it failed. */
static void s3_upload_end(struct s3_upload *upload, enum courier_verdict verdict,
			  unsigned int status, const struct error *err)
{
	upload->verdict = verdict;
	upload->status = status;
	upload->why = *err;
	if (verdict != COURIER_delivered && upload->id.bytes)
		s3_upload_send(upload, S3_STAGE_abort);
	else
		upload->done(upload, verdict, status, &upload->why);
}

static void s3_upload_lacks(struct s3_upload *upload, const char *what)
{
	struct error err;

	error_say(&err, EPROTO, "upload in parts: the answer lacks its %s", what);
	s3_upload_end(upload, COURIER_failed, 0, &err);
}

static void s3_next_part(struct s3_upload *upload)
{
	if (upload->part++ < s3_part_count(upload))
		s3_upload_send(upload, S3_STAGE_part);
	else
		s3_upload_send(upload, S3_STAGE_complete);
}

static void s3_on_begun(struct s3_upload *upload)
{
	struct slice id = s3_xml_text(text_slice(&upload->request.answer), "UploadId");

	text_put(&upload->id, id);
	if (id.bytes == 0) {
		s3_upload_lacks(upload, "UploadId");
		return;
	}
	text_put(&upload->finish, SLICE("<CompleteMultipartUpload>"));
	s3_next_part(upload);
}

static void s3_on_part(struct s3_upload *upload)
{
	struct slice etag = text_slice(&upload->etag);

	if (etag.bytes == 0) {
		s3_upload_lacks(upload, "ETag");
		return;
	}
	text_printf(&upload->finish, "<Part><PartNumber>%zu</PartNumber><ETag>", upload->part);
	for (size_t n = 0; n < etag.bytes; n++)
		if (strchr("<>&", etag.at[n]))
			text_printf(&upload->finish, "&#%d;", etag.at[n]);
		else
			text_putc(&upload->finish, etag.at[n]);
	text_put(&upload->finish, SLICE("</ETag></Part>"));
	if (upload->part == s3_part_count(upload))
		text_put(&upload->finish, SLICE("</CompleteMultipartUpload>"));
	s3_next_part(upload);
}

/* The service may have said 200 before it began to work, and then say what went wrong. */
static void s3_on_completed(struct s3_upload *upload, unsigned int status)
{
	struct error err = { 0 };
	bool failed = slice_find(text_slice(&upload->request.answer), SLICE("<Error>")) >= 0;

	if (failed)
		s3_explain(upload, status, &err);
	s3_upload_end(upload, failed ? COURIER_failed : COURIER_delivered, status, &err);
}

static void s3_on_done(struct http_request *request, unsigned int status, const struct error *err)
{
	struct s3_upload *upload = container_of(request, struct s3_upload, request);
	enum courier_verdict verdict = s3_verdict(status);
	struct error why = *err;

	if (upload->stage == S3_STAGE_abort) {
		if (verdict != COURIER_delivered)
			(void)error_wrap(&upload->why, 0, "parts stay in the bucket");
		upload->done(upload, upload->verdict, upload->status, &upload->why);
		return;
	}
	if (verdict != COURIER_delivered) {
		if (status)
			s3_explain(upload, status, &why);
		s3_upload_end(upload, verdict, status, &why);
	} else if (upload->stage == S3_STAGE_begin) {
		s3_on_begun(upload);
	} else if (upload->stage == S3_STAGE_part) {
		s3_on_part(upload);
	} else {
		s3_on_completed(upload, status);
	}
}

static void s3_on_header(struct http_request *request, struct slice name, struct slice value)
{
	struct s3_upload *upload = container_of(request, struct s3_upload, request);

	if (name.bytes != 4 || strncasecmp(name.at, "ETag", 4) != 0)
		return;
	text_clear(&upload->etag);
	text_put(&upload->etag, slice_first(value, 200));
}

/* --- requests --- */

/* What is signed of the query is as it stands here: names in order, each with its "=". */
static void s3_set_url(struct s3_upload *upload)
{
	struct slice rest = text_slice(&upload->id), piece;

	text_clear(&upload->url);
	text_put(&upload->url, text_slice(&upload->object));
	if (upload->stage == S3_STAGE_put)
		return;
	text_putc(&upload->url, '?');
	if (upload->stage == S3_STAGE_begin) {
		text_put(&upload->url, SLICE("uploads="));
		return;
	}
	if (upload->stage == S3_STAGE_part)
		text_printf(&upload->url, "partNumber=%zu&", upload->part);
	text_put(&upload->url, SLICE("uploadId="));
	while (slice_cut(&rest, '/', &piece)) {
		s3_put_escaped(piece, &upload->url);
		text_put(&upload->url, SLICE("%2F"));
	}
	s3_put_escaped(rest, &upload->url);
}

static void s3_set_headers(struct s3_upload *upload)
{
	char hex[SHA256_HEX_BYTES];
	size_t count = 0;

	/* libcurl signs what this says the body is. */
	sha256_hex(upload->request.body, hex);
	snprintf(upload->hash, sizeof(upload->hash), "x-amz-content-sha256: %s", hex);
	if (upload->stage == S3_STAGE_put || upload->stage == S3_STAGE_begin)
		upload->headers[count++] = upload->type;
	else
		upload->headers[count++] = "Content-Type: application/xml";
	upload->headers[count++] = upload->hash;
	upload->headers[count++] = upload->user_agent;
	if (upload->token.bytes)
		upload->headers[count++] = text_str(&upload->token);
	upload->headers[count] = NULL;
}

static void s3_upload_send(struct s3_upload *upload, enum s3_stage stage)
{
	const struct {
		const char *method;
		struct slice body;
	} stages[] = {
		[S3_STAGE_put] = { "PUT", upload->body },
		[S3_STAGE_begin] = {
			"POST", SLICE("") },
			[S3_STAGE_part] = {
				"PUT", stage == S3_STAGE_part ? s3_part(upload) : SLICE("") },
				[S3_STAGE_complete] = { "POST", text_slice(&upload->finish) },
				[S3_STAGE_abort] = { "DELETE", SLICE("") },
				};
	struct http_request *request = &upload->request;
	struct error err;

	upload->stage = stage;
	request->method = stages[stage].method;
	request->body = stages[stage].body;
	request->headers = upload->headers;
	request->aws_sigv4 = upload->signature;
	request->limit_bytes = S3_ANSWER_BYTES;
	request->cut_answer = true;
	request->timeout_ms = S3_TIMEOUT_MS;
	request->done = s3_on_done;
	request->header = s3_on_header;
	text_clear(&upload->etag);
	s3_set_url(upload);
	s3_set_headers(upload);
	request->url = text_str(&upload->url);
	if (http_start(upload->client, request, &err) == 0)
		return;
	if (stage == S3_STAGE_abort)
		upload->done(upload, upload->verdict, upload->status, &upload->why);
	else
		s3_upload_end(upload, COURIER_failed, 0, &err);
}

void s3_upload_start(struct s3_upload *upload, struct slice url, struct s3_credentials *credentials)
{
	bool parts = upload->body.bytes > upload->threshold_bytes &&
		     s3_part_count(upload) <= S3_PARTS_MAX;

	text_clear(&upload->object);
	text_put(&upload->object, url);
	text_clear(&upload->token);
	if (credentials->token.bytes)
		text_printf(&upload->token, "x-amz-security-token: %s",
			    text_str(&credentials->token));
	text_clear(&upload->id);
	text_clear(&upload->finish);
	upload->part = 0;
	upload->request.user = text_str(&credentials->id);
	upload->request.secret = text_str(&credentials->secret);
	s3_upload_send(upload, parts ? S3_STAGE_begin : S3_STAGE_put);
}

void s3_upload_done(struct s3_upload *upload)
{
	struct text *const texts[] = { &upload->object, &upload->url,	 &upload->token,
				       &upload->id,	&upload->finish, &upload->etag };

	http_request_done(&upload->request);
	for (size_t n = 0; n < array_count(texts); n++)
		text_done(texts[n]);
}
