/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post - delivers a courier's batches with HTTP POST: what the sinks http, polycorder and pagerduty
 * have in common. Bodies above 512 bytes are gzipped, for those who take that.
 */
#ifndef SINK_POST_H
#define SINK_POST_H

#include "sink/courier.h"

struct post;

#define POST_MORE_HEADERS 16

struct post_settings {
	const char *url;
	const struct tls_settings *tls; /* NULL: the system's */
	const char *content_type;
	const char *token;	 /* for "Authorization: Bearer"; NULL: none */
	const char *header;	 /* more, "Name: value", one a line; NULL: none */
	const char *key_setting; /* where to look when the receiver denies us */
	bool name_identity;	 /* say "Content-Encoding: identity" when it is not gzipped */
	bool plain;		 /* never gzip; also set when the receiver answers 415 */
	uint64_t flush_count, flush_ns;
	size_t batch_count; /* of one request, at most */
	/* Makes post->body of the items. */
	void (*compose)(struct post *post, const struct spool_item *items, size_t count);
};

/* The state of a sink that posts. */
struct post {
	struct courier courier;
	struct post_settings settings;
	struct http_client *client;
	struct http_request request;
	struct text payload; /* of the event being put */
	struct text body, packed;
	struct text type, user_agent, authorization;
	struct text more_headers; /* of settings.header, terminated one by one */
	const char *headers[8 + POST_MORE_HEADERS];
};

/* For the kinds' check(). */
must_check int post_check_url(const char *url, const char *key, const char **ret_key,
			      struct error *err);

must_check int post_open(struct sink *sink, const struct post_settings *settings,
			 struct error *err);
/* Encodes the event and hands it to the courier. */
void post_put(struct sink *sink, const struct event *event, event_encoder *encode);

/* A sink_kind's functions. */
void post_flush(struct sink *sink);
bool post_busy(const struct sink *sink);
void post_close(struct sink *sink);

/* Splits lines of headers into `list`, which has room for POST_MORE_HEADERS; returns how many. */
size_t post_split_headers(const char *lines, struct text *memory, const char **list);

/* What an HTTP status says about the events sent; pure. */
enum courier_verdict post_verdict(unsigned int status);

#endif
