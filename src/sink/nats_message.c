/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/nats_message.h"

#include <errno.h>
#include <jansson.h>

/* JetStream's own numbers for what is wrong with a message itself. */
#define NATS_ERROR_TOO_LARGE 10054
#define NATS_ERROR_HEADER    10097

static bool nats_is_token_byte(char c)
{
	return c > ' ' && c <= '~' && c != '*' && c != '>' && c != '.';
}

/* A word as one token, whatever is in it. */
static void nats_put_token(const char *word, struct text *out)
{
	for (; *word; word++)
		text_putc(out, nats_is_token_byte(*word) ? *word : '_');
}

int nats_check_subject(struct slice template, struct error *err)
{
	char before = '.';

	for (struct slice rest = template; rest.bytes; rest = slice_skip(rest, 1)) {
		char c = rest.at[0];

		if (!nats_is_token_byte(c) && (c != '.' || before == '.'))
			return error_say(err, EINVAL,
					 "'nats.subject' is '%.*s': words joined by dots, without "
					 "blanks, '*' or '>'",
					 SLICE_ARG(template));
		before = c;
		if (c != '{' || slice_starts(rest, SLICE("{kind}")) ||
					     slice_starts(rest, SLICE("{host}")) ||
							  slice_starts(rest, SLICE("{node}")))
			continue;
		return error_say(
			err, EINVAL,
			"'nats.subject': '%.*s' is not known; use {kind}, {host} or {node}",
			SLICE_ARG(slice_first(rest, 12)));
	}
	if (before == '.')
		return error_say(err, EINVAL, "'nats.subject' ends in a dot");
	return 0;
}

void nats_put_subject(struct slice template, const struct event *event,
		      const struct event_origin *origin, struct text *out)
{
	while (template.bytes) {
		if (slice_eat(&template, SLICE("{kind}"))) {
			text_put(out, slice_of(event_kinds[event->kind].name));
		} else if (slice_eat(&template, SLICE("{host}"))) {
			nats_put_token(origin->host, out);
		} else if (slice_eat(&template, SLICE("{node}"))) {
			nats_put_token(origin->node_id, out);
		} else {
			text_putc(out, template.at[0]);
			template = slice_skip(template, 1);
		}
	}
}

static enum courier_verdict nats_read_error(const json_t *error, struct error *err)
{
	json_int_t code = json_integer_value(json_object_get(error, "err_code"));
	const char *words = json_string_value(json_object_get(error, "description"));

	error_say(err, EPROTO, "JetStream: %s (%lld)", words ? words : "refused", (long long)code);
	return code == NATS_ERROR_TOO_LARGE || code == NATS_ERROR_HEADER ? COURIER_refused
									 : COURIER_failed;
}

enum courier_verdict nats_read_ack(struct slice json, struct error *err)
{
	json_t *tree = json_loadb(json.at ? json.at : "", json.bytes, 0, NULL);
	const json_t *error = json_object_get(tree, "error");
	enum courier_verdict verdict = COURIER_failed;

	if (error) {
		verdict = nats_read_error(error, err);
	} else if (json_is_string(json_object_get(tree, "stream")) &&
		   json_is_integer(json_object_get(tree, "seq"))) {
		verdict = COURIER_delivered;
	} else {
		error_say(err, EPROTO,
			  "the answer comes from no stream; is the subject one of "
			  "JetStream's?");
	}
	json_decref(tree);
	return verdict;
}
