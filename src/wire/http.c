/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http.h"

#include <curl/curl.h>
#include <errno.h>

#define HTTP_TIMEOUT_MS	 30000
#define HTTP_LIMIT_BYTES (1u << 20)

/* Users and passwords in front of '@' and keys behind '?' are nothing for a log. */
void http_put_place(const char *url, struct text *out)
{
	struct slice rest = slice_of(url), scheme, secret;
	ssize_t at = slice_find(rest, SLICE("://"));

	scheme = slice_first(rest, at < 0 ? 0 : (size_t)at + 3);
	rest = slice_skip(rest, scheme.bytes);
	for (size_t n = 0; n < rest.bytes; n++)
		if (rest.at[n] == '?' || rest.at[n] == '#')
			rest = slice_first(rest, n);
	at = slice_find(rest, SLICE("/"));
	at = slice_find_last(slice_first(rest, at < 0 ? rest.bytes : (size_t)at), SLICE("@"));
	secret = slice_first(rest, (size_t)(at + 1));
	text_put(out, scheme);
	text_put(out, slice_skip(rest, secret.bytes));
}

static size_t http_on_body(char *at, size_t size, size_t count, void *owner)
{
	struct http_request *request = owner;
	size_t limit = request->limit_bytes ? request->limit_bytes : HTTP_LIMIT_BYTES;
	struct slice piece = { at, size * count };

	if (piece.bytes > limit - request->answer.bytes) {
		if (!request->cut_answer)
			return 0; /* fails the transfer with CURLE_WRITE_ERROR */
		piece = slice_first(piece, limit - request->answer.bytes);
	}
	text_put(&request->answer, piece);
	return request->answer.failed ? 0 : size * count;
}

static size_t http_on_header(char *at, size_t size, size_t count, void *owner)
{
	struct http_request *request = owner;
	struct slice rest = { at, size * count }, name;

	if (slice_cut(&rest, ':', &name))
		request->header(request, name, slice_trim(rest));
	return size * count;
}

static bool http_set_headers(struct http_request *request)
{
	struct curl_slist *list = NULL;

	for (size_t n = 0; request->headers && request->headers[n]; n++) {
		struct curl_slist *longer = curl_slist_append(list, request->headers[n]);

		if (!longer) {
			curl_slist_free_all(list);
			return false;
		}
		list = longer;
	}
	request->header_list = list;
	curl_easy_setopt(request->transfer.easy, CURLOPT_HTTPHEADER, list);
	return true;
}

/* libcurl 7.88 fails when it uses a connection again that was HTTP/2 from the start. */
static void http_set_http2(CURL *easy, const char *url)
{
	if (slice_starts(slice_of(url), SLICE("https:"))) {
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

static void http_set_request(CURL *easy, struct http_request *request)
{
	uint64_t timeout_ms = request->timeout_ms ? request->timeout_ms : HTTP_TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	if (request->unix_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
	if (request->body.at) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body.bytes);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at);
	}
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	if (request->header) {
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	}
	if (request->http2)
		http_set_http2(easy, request->url);
	if (request->aws_sigv4) {
		curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, request->aws_sigv4);
		curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, request->secret);
		/* A header "Expect:", which means none, would be signed: don't wait instead. */
		curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
	}
}

static void http_detach(struct http_request *request)
{
	http_transfer_done(&request->transfer);
	curl_slist_free_all(request->header_list);
	request->header_list = NULL;
}

void http_request_done(struct http_request *request)
{
	http_detach(request);
	text_done(&request->answer);
	request->retry_after_s = 0;
}

/* Adds "request 'https://host/path': " in front. */
static int http_wrap(const struct http_request *request, int r, struct error *err)
{
	auto_text struct text place = { 0 };

	http_put_place(request->url, &place);
	return error_wrap(err, r, "request '%s'", text_str(&place));
}

static void http_on_done(struct http_transfer *transfer, int code)
{
	struct http_request *request = container_of(transfer, struct http_request, transfer);
	struct error err = { 0 };
	curl_off_t retry_after_s = 0;
	long status = 0;

	if (code == CURLE_OK) {
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
		request->retry_after_s = (uint64_t)retry_after_s;
	} else {
		int r = error_say(&err, EIO, "%s",
				  transfer->why[0] ? transfer->why
						   : curl_easy_strerror((CURLcode)code));

		http_wrap(request, r, &err);
	}
	http_detach(request);
	request->done(request, (unsigned int)status, &err);
}

int http_start(struct http_client *client, struct http_request *request, struct error *err)
{
	int r;

	http_request_done(request);
	request->transfer.done = http_on_done;
	r = http_transfer_init(&request->transfer, client, &request->tls, err);
	if (r < 0)
		return http_wrap(request, r, err);
	if (http_set_headers(request)) {
		http_set_request(request->transfer.easy, request);
		r = http_transfer_start(&request->transfer, err);
	} else {
		r = error_errno(err, ENOMEM, "set headers");
	}
	if (r < 0) {
		http_detach(request);
		return http_wrap(request, r, err);
	}
	return 0;
}
