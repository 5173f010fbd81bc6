/* SPDX-License-Identifier: Apache-2.0 */
/* serve - /metrics and /healthz over HTTP, by libmicrohttpd on our loop. */
#ifndef AGENT_SERVE_H
#define AGENT_SERVE_H

#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"

struct serve;

struct serve_page {
	const char *path, *content_type;
	/* Appends the page; returns the HTTP status. */
	unsigned int (*print)(void *owner, struct text *out);
};

/* `listen`: "address:port", IPv6 in brackets. Pages and owner must outlive it. */
must_check int serve_new(struct serve **ret_serve, struct loop *loop, const char *listen,
			 const struct serve_page *pages, size_t page_count, void *owner,
			 struct error *err);
void serve_free(struct serve *serve);

#endif
