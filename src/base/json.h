/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - a streaming JSON writer onto a text; reading JSON is jansson's work.
 *
 *	struct json json = { .out = &text };
 *
 *	json_open(&json, '{');
 *	json_key(&json, SLICE("pid"));
 *	json_u64(&json, 42);
 *	json_close(&json, '}');
 *
 * Bytes that are not UTF-8 become U+FFFD, so that the output is always valid JSON (RFC 8259).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/text.h"

struct json {
	struct text *out;
	bool comma; /* an item came before: the next one needs a comma */
};

void json_open(struct json *json, char bracket);  /* '{' or '[' */
void json_close(struct json *json, char bracket); /* '}' or ']' */
void json_key(struct json *json, struct slice key);

void json_text(struct json *json, struct slice value);
void json_u64(struct json *json, uint64_t value);
void json_i64(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_none(struct json *json);
/* A value that is JSON already. */
void json_raw(struct json *json, struct slice value);

/* Room that json_escape() may need for a value of `bytes`, quotes not counted. */
#define JSON_ESCAPE_ROOM(bytes) ((bytes)*6)

/* Writes the value without quotes at `at`, and returns the place behind it. For hot paths that
 * have reserved their room. */
char *json_escape(char *at, struct slice value);

#endif
