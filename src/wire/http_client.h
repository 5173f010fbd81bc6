/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_client - libcurl's multi interface on our loop: what requests (wire/http.h) and streams
 * (wire/stream.h) have in common.
 */
#ifndef WIRE_HTTP_CLIENT_H
#define WIRE_HTTP_CLIENT_H

#include "base/error.h"
#include "base/loop.h"

struct http_client;

/* TLS towards a server; texts are borrowed for as long as the request or stream. */
struct http_tls {
	const char *ca_file;		  /* NULL: the system's */
	const char *cert_file, *key_file; /* the client's own; NULL: none */
	bool insecure;			  /* don't check the server's certificate */
};

must_check int http_client_new(struct http_client **ret_client, struct loop *loop,
			       struct error *err);
/* Drops what is under way without calling `done`. NULL is fine. */
void http_client_free(struct http_client *client);

/* --- for this room --- */

struct http_transfer {
	/* `code` is a CURLcode; `easy` is still the client's, until http_transfer_done(). */
	void (*done)(struct http_transfer *transfer, int code);
	struct http_client *client;
	void *easy;    /* a CURL; NULL: none */
	char why[256]; /* libcurl's words for a failure */
};

/* Makes the easy handle, with all that is the same for every transfer. */
must_check int http_transfer_init(struct http_transfer *transfer, struct http_client *client,
				  const struct http_tls *tls, struct error *err);
must_check int http_transfer_start(struct http_transfer *transfer, struct error *err);
/* Cancels what is under way; `done` is not called. Harmless when there is nothing. */
void http_transfer_done(struct http_transfer *transfer);

struct loop *http_client_loop(const struct http_client *client);

#endif
