/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_line.h"

#include <stddef.h>
#include <strings.h>

#include "base/auto.h"

#define HTTP_METHOD_BYTES 24

/* The next line without its end; true: it was whole. */
static bool http_next_line(struct slice *text, struct slice *line)
{
	bool whole = slice_cut(text, '\n', line);

	if (!whole) {
		*line = *text;
		*text = slice_skip(*text, text->bytes);
	}
	if (line->bytes && line->at[line->bytes - 1] == '\r')
		line->bytes--;
	return whole;
}

static bool http_is_method(struct slice method)
{
	if (method.bytes < 3 || method.bytes > HTTP_METHOD_BYTES)
		return false;
	for (size_t n = 0; n < method.bytes; n++)
		if ((method.at[n] < 'A' || method.at[n] > 'Z') && method.at[n] != '-')
			return false;
	return true;
}

/* A path, a URL, a host with its port, or "*": no blanks, nothing that is no character. */
static bool http_is_target(struct slice target)
{
	for (size_t n = 0; n < target.bytes; n++)
		if ((unsigned char)target.at[n] <= ' ' || target.at[n] == 0x7f)
			return false;
	return target.bytes > 0;
}

static bool http_eat_version(struct slice *line, struct slice *version)
{
	if (!slice_eat(line, SLICE("HTTP/")) || line->bytes < 3 || line->at[0] != '1' ||
		       line->at[1] != '.' || line->at[2] < '0' || line->at[2] > '9')
		return false;
	*version = slice_first(*line, 3);
	*line = slice_skip(*line, 3);
	return true;
}

static const struct {
	const char *name;
	size_t at; /* offset in struct http_request */
} http_headers[] = {
	{ "host", offsetof(struct http_request, host) },
	{ "user-agent", offsetof(struct http_request, user_agent) },
};

static void http_take_header(struct slice line, struct http_request *request)
{
	struct slice name;

	if (!slice_cut(&line, ':', &name))
		return;
	for (size_t n = 0; n < array_count(http_headers); n++)
		if (strlen(http_headers[n].name) == name.bytes &&
		    strncasecmp(http_headers[n].name, name.at, name.bytes) == 0)
			*(struct slice *)((char *)request + http_headers[n].at) = slice_trim(line);
}

bool http_parse_request(struct slice text, struct http_request *request)
{
	struct slice line;
	bool whole = http_next_line(&text, &line);

	*request = (struct http_request){ .method = { "", 0 } };
	if (!slice_cut(&line, ' ', &request->method) || !http_is_method(request->method))
		return false;
	if (slice_cut(&line, ' ', &request->target)) {
		if (!http_eat_version(&line, &request->version) || line.bytes)
			return false;
	} else if (whole) {
		return false; /* HTTP/0.9, or nothing of the kind */
	} else {
		request->target = line;
	}
	while (text.bytes) {
		http_next_line(&text, &line);
		if (line.bytes == 0)
			break;
		http_take_header(line, request);
	}
	return http_is_target(request->target);
}

bool http_parse_response(struct slice text, struct http_response *response)
{
	struct slice line;
	uint64_t status;

	http_next_line(&text, &line);
	if (!http_eat_version(&line, &response->version) || !slice_eat(&line, SLICE(" ")))
		return false;
	line = slice_first(line, 3);
	if (line.bytes != 3 || !slice_u64(line, &status) || status < 100)
		return false;
	response->status = (unsigned int)status;
	return true;
}
