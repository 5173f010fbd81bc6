/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_line - the first lines of HTTP/1.x messages (RFC 9112), read.
 *
 * Pure; the slices point into what was read. What was caught of a message may end anywhere: a line
 * that is cut counts as far as it is there.
 */
#ifndef SENSOR_HTTP_LINE_H
#define SENSOR_HTTP_LINE_H

#include "base/slice.h"

struct http_request {
	struct slice method, target, version; /* version: "1.1"; empty: the line was cut */
	struct slice host, user_agent;	      /* empty: not there */
};

struct http_response {
	struct slice version;
	unsigned int status;
};

/* False when it is no request. */
bool http_parse_request(struct slice text, struct http_request *request);
bool http_parse_response(struct slice text, struct http_response *response);

#endif
