/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/s3_credentials.h"

#include <errno.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "sink/s3_key.h"

#define S3_ASK_MS	2000
#define S3_EARLY_NS	(300 * NS_PER_S) /* so long before they expire they are asked for anew */
#define S3_CONTAINER	"http://169.254.170.2"
#define S3_METADATA	"http://169.254.169.254"
#define S3_ROLES	"/latest/meta-data/iam/security-credentials/"
#define S3_SESSION_HEAD "X-aws-ec2-metadata-token: "

enum { S3_STEP_session, S3_STEP_role, S3_STEP_keys, S3_STEP_identity };

static void s3_credentials_fail(struct s3_credentials *credentials, struct error *err)
{
	error_wrap(err, 0,
		   "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this "
		   "machine a role");
	credentials->ready(credentials, err);
}

static void s3_credentials_keep(struct s3_credentials *credentials, const char *id,
				const char *secret, const char *token)
{
	text_clear(&credentials->id);
	text_clear(&credentials->secret);
	text_clear(&credentials->token);
	text_put(&credentials->id, slice_of(id));
	text_put(&credentials->secret, slice_of(secret));
	if (token)
		text_put(&credentials->token, slice_of(token));
	credentials->known = true;
}

/* They go into the heads of requests. */
static bool s3_is_key(struct slice text)
{
	for (size_t n = 0; n < text.bytes; n++)
		if (text.at[n] <= ' ' || text.at[n] > '~')
			return false;
	return text.bytes > 0;
}

int s3_credentials_parse(struct s3_credentials *credentials, struct slice json, struct error *err)
{
	json_t *tree = json_loadb(json.at ? json.at : "", json.bytes, 0, NULL);
	const char *id = json_string_value(json_object_get(tree, "AccessKeyId"));
	const char *secret = json_string_value(json_object_get(tree, "SecretAccessKey"));
	const char *token = json_string_value(json_object_get(tree, "Token"));
	const char *expires = json_string_value(json_object_get(tree, "Expiration"));

	if (!id || !secret || !s3_is_key(slice_of(id)) || !s3_is_key(slice_of(secret)) ||
	    (token && *token && !s3_is_key(slice_of(token)))) {
		json_decref(tree);
		return error_say(err, EPROTO, "the answer holds no keys");
	}
	credentials->expires_ns = 0;
	if (expires)
		clock_parse_rfc3339(slice_of(expires), &credentials->expires_ns);
	s3_credentials_keep(credentials, id, secret, token);
	json_decref(tree);
	return 0;
}

struct slice s3_xml_text(struct slice xml, const char *element)
{
	auto_text struct text mark = { 0 };
	ssize_t at, end;

	text_printf(&mark, "<%s>", element);
	at = slice_find(xml, text_slice(&mark));
	if (at < 0)
		return SLICE("");
	xml = slice_skip(xml, (size_t)at + mark.bytes);
	end = slice_find(xml, SLICE("</"));
	return slice_first(xml, end < 0 ? 0 : (size_t)end);
}

int s3_credentials_parse_xml(struct s3_credentials *credentials, struct slice xml,
			     struct error *err)
{
	static const char *const elements[] = { "AccessKeyId", "SecretAccessKey", "SessionToken" };
	char texts[3][4096];

	for (size_t n = 0; n < array_count(elements); n++) {
		struct slice text = slice_trim(s3_xml_text(xml, elements[n]));

		if (!s3_is_key(text) || text.bytes >= sizeof(texts[n]) ||
		    (n == 0 && slice_find(text, SLICE(":")) >= 0))
			return error_say(err, EPROTO, "the answer holds no keys");
		slice_copy(text, texts[n], sizeof(texts[n]));
	}
	credentials->expires_ns = 0;
	clock_parse_rfc3339(slice_trim(s3_xml_text(xml, "Expiration")), &credentials->expires_ns);
	s3_credentials_keep(credentials, texts[0], texts[1], texts[2]);
	return 0;
}

/* --- asking --- */

static void s3_credentials_ask(struct s3_credentials *credentials, const char *method,
			       const char *header)
{
	struct error err;

	credentials->headers[0] = header;
	credentials->request.method = method;
	credentials->request.url = text_str(&credentials->url);
	credentials->request.headers = credentials->headers;
	credentials->request.timeout_ms = S3_ASK_MS;
	if (http_start(credentials->client, &credentials->request, &err) < 0)
		s3_credentials_fail(credentials, &err);
}

static void s3_credentials_ask_metadata(struct s3_credentials *credentials, unsigned int step)
{
	const char *place = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct slice base = slice_of(place && *place ? place : S3_METADATA);

	while (slice_ends(base, SLICE("/")))
		base.bytes--;
	credentials->step = step;
	text_clear(&credentials->url);
	text_put(&credentials->url, base);
	if (step == S3_STEP_session) {
		text_put(&credentials->url, SLICE("/latest/api/token"));
		s3_credentials_ask(credentials, "PUT", "X-aws-ec2-metadata-token-ttl-seconds: 300");
		return;
	}
	text_put(&credentials->url, SLICE(S3_ROLES));
	if (step == S3_STEP_keys)
		text_put(&credentials->url, text_slice(&credentials->role));
	s3_credentials_ask(credentials, "GET", text_str(&credentials->session));
}

/* Not the whole URL: the pod's token may be in it. */
static void s3_credentials_explain(const struct s3_credentials *credentials, unsigned int status,
				   struct error *err)
{
	auto_text struct text place = { 0 };

	http_put_place(credentials->request.url, &place);
	error_say(err, EPROTO, "'%s' answered with HTTP status %u", text_str(&place), status);
}

static void s3_credentials_on_answer(struct http_request *request, unsigned int status,
				     const struct error *err)
{
	struct s3_credentials *credentials = container_of(request, struct s3_credentials, request);
	struct slice answer = slice_trim(text_slice(&request->answer)), line;
	struct error why = *err;
	int r = 0;

	if (status != 200 || answer.bytes == 0) {
		if (status)
			s3_credentials_explain(credentials, status, &why);
		s3_credentials_fail(credentials, &why);
	} else if (credentials->step == S3_STEP_session) {
		text_clear(&credentials->session);
		text_put(&credentials->session, SLICE(S3_SESSION_HEAD));
		text_put(&credentials->session, answer);
		s3_credentials_ask_metadata(credentials, S3_STEP_role);
	} else if (credentials->step == S3_STEP_role) {
		slice_next(&answer, '\n', &line); /* there is one role, or the first counts */
		text_clear(&credentials->role);
		text_put(&credentials->role, slice_trim(line));
		s3_credentials_ask_metadata(credentials, S3_STEP_keys);
	} else {
		r = credentials->step == S3_STEP_identity
			    ? s3_credentials_parse_xml(credentials, answer, &why)
			    : s3_credentials_parse(credentials, answer, &why);
		if (r < 0)
			s3_credentials_fail(credentials, &why);
		else
			credentials->ready(credentials, err);
	}
}

/* The token that a container shows its agent: of the environment, or of a file that is renewed. */
static const char *s3_credentials_container_token(struct s3_credentials *credentials)
{
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	auto_text struct text words = { 0 };

	if (file && file_read(file, 65536, &words, NULL) == 0)
		token = text_str(&words);
	if (!token)
		return NULL;
	text_clear(&credentials->header);
	text_put(&credentials->header, SLICE("Authorization: "));
	text_put(&credentials->header, slice_trim(slice_of(token)));
	return text_str(&credentials->header);
}

/* Whether there is a container's agent to ask; then it has been. */
static bool s3_credentials_ask_container(struct s3_credentials *credentials)
{
	const char *path = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *whole = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");

	if (!path && !whole)
		return false;
	text_clear(&credentials->url);
	text_put(&credentials->url, path ? SLICE(S3_CONTAINER) : SLICE(""));
	text_put(&credentials->url, slice_of(path ? path : whole));
	credentials->step = S3_STEP_keys;
	s3_credentials_ask(credentials, "GET", s3_credentials_container_token(credentials));
	return true;
}

/* Whether the pod has a token to show; then the token service has been asked. */
static bool s3_credentials_ask_identity(struct s3_credentials *credentials)
{
	const char *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), *role = getenv("AWS_ROLE_ARN");
	const char *place = getenv("AWS_ENDPOINT_URL_STS");
	auto_text struct text token = { 0 };
	struct text *url = &credentials->url;

	if (!file || !role || file_read(file, 65536, &token, NULL) < 0)
		return false;
	text_clear(url);
	if (place && *place)
		text_put(url, slice_of(place));
	else
		text_printf(url, "https://sts.%s.amazonaws.com", credentials->region);
	text_put(url, SLICE("/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
			    "RoleSessionName=bulwark&RoleArn="));
	s3_put_escaped(slice_of(role), url);
	text_put(url, SLICE("&WebIdentityToken="));
	s3_put_escaped(slice_trim(text_slice(&token)), url);
	credentials->step = S3_STEP_identity;
	s3_credentials_ask(credentials, "GET", NULL);
	return true;
}

/* Both or neither. */
static bool s3_credentials_take(struct s3_credentials *credentials, const char *id,
				const char *secret, const char *token)
{
	if (!id || !secret || !*id || !*secret)
		return false;
	credentials->expires_ns = 0;
	s3_credentials_keep(credentials, id, secret, token && *token ? token : NULL);
	return true;
}

void s3_credentials_get(struct s3_credentials *credentials)
{
	const struct error none = { 0 };
	bool fresh =
		credentials->known && (credentials->expires_ns == 0 ||
				       clock_wall_ns() + S3_EARLY_NS < credentials->expires_ns);

	credentials->request.done = s3_credentials_on_answer;
	if (fresh ||
	    s3_credentials_take(credentials, credentials->access_key, credentials->secret_key,
				credentials->session_token) ||
	    s3_credentials_take(credentials, getenv("AWS_ACCESS_KEY_ID"),
				getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))) {
		credentials->ready(credentials, &none);
		return;
	}
	credentials->known = false;
	if (!s3_credentials_ask_identity(credentials) && !s3_credentials_ask_container(credentials))
		s3_credentials_ask_metadata(credentials, S3_STEP_session);
}

void s3_credentials_forget(struct s3_credentials *credentials)
{
	credentials->known = false;
}

void s3_credentials_done(struct s3_credentials *credentials)
{
	http_request_done(&credentials->request);
	text_done(&credentials->id);
	text_done(&credentials->secret);
	text_done(&credentials->token);
	text_done(&credentials->url);
	text_done(&credentials->header);
	text_done(&credentials->session);
	text_done(&credentials->role);
}
