/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - HTTP requests that don't block: libcurl's multi interface on our loop.
 *
 * TLS, proxies (from the environment too), unix sockets and HTTP/2 are libcurl's work. A request is
 * the caller's; it must live until `done` was called or
 * http_request_done(). In `done` it may be started anew or freed; the client may not be freed
 * there.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"

struct http_client;

struct http_tls {
	const char *ca_file;		  /* NULL: the system's */
	const char *cert_file, *key_file; /* the client's own; NULL: none */
	bool insecure;			  /* don't check the server's certificate */
};

struct http_request {
	const char *method; /* "GET", "POST", ... */
	const char *url;
	const char *unix_socket;    /* path; NULL: TCP */
	const char *const *headers; /* "Name: value"; NULL-terminated; NULL: none */
	struct slice body;
	struct http_tls tls;
	uint64_t timeout_ms; /* for the whole; 0: 30 s */
	size_t limit_bytes;  /* of the answer's body; 0: 1 MiB */
	/* `status` is the HTTP status, or 0 when no answer came: then err says why. */
	void (*done)(struct http_request *request, unsigned int status, const struct error *err);

	/* The answer; kept until the next start or http_request_done(). */
	struct text answer;
	char *retry_after; /* value of that header, or NULL */

	/* The client's own. */
	struct http_client *client;
	void *easy, *header_list;
	char why[256];
};

must_check int http_client_new(struct http_client **ret_client, struct loop *loop,
			       struct error *err);
/* Drops what is under way without calling `done`. */
void http_client_free(struct http_client *client);

/* The fields above must stay as they are until `done`. */
must_check int http_start(struct http_client *client, struct http_request *request,
			  struct error *err);
/* Cancels it if it is under way, and frees the answer. `done` is not called. */
void http_request_done(struct http_request *request);

#endif
