/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - HTTP requests: libcurl's multi interface on our loop.
 *
 * TLS, proxies (from the environment too), unix sockets and HTTP/2 are libcurl's work. A request is
 * the caller's; it must live until `done` was called or http_request_done(). In `done` it may be
 * started anew or freed; the client may not be freed there.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/text.h"
#include "wire/http_client.h"

struct http_request {
	const char *method; /* "GET", "POST", ... */
	const char *url;
	const char *unix_socket;    /* path; NULL: TCP */
	const char *const *headers; /* "Name: value"; NULL-terminated; NULL: none */
	struct slice body;
	struct http_tls tls;
	const char *aws_sigv4;	   /* signs it: "aws:amz:REGION:s3"; NULL: doesn't */
	const char *user, *secret; /* to sign with */
	bool http2;		   /* without TLS: from the start, not by upgrade */
	uint64_t timeout_ms;	   /* for the whole; 0: 30 s */
	size_t limit_bytes;	   /* of the answer's body; 0: 1 MiB */
	bool cut_answer;	   /* what is beyond that limit is dropped; otherwise it fails */
	/* `status` is the HTTP status, or 0 when no answer came: then err says why. */
	void (*done)(struct http_request *request, unsigned int status, const struct error *err);

	/* One field of the answer's head, or of its trailer; NULL: nobody wants to know. */
	void (*header)(struct http_request *request, struct slice name, struct slice value);

	/* The answer; kept until the next start or http_request_done(). */
	struct text answer;
	uint64_t retry_after_s; /* what that header asks for, as a time span; 0: nothing */

	/* The request's own. */
	struct http_transfer transfer;
	void *header_list;
};

/* The fields above must stay as they are until `done`. */
must_check int http_start(struct http_client *client, struct http_request *request,
			  struct error *err);
/* Cancels it if it is under way, and frees the answer. `done` is not called. */
void http_request_done(struct http_request *request);

/* The URL as it may be shown to people: without user, password, query and fragment. */
void http_put_place(const char *url, struct text *out);

#endif
