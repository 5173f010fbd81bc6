/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/front/docker_settings.h"

#include <errno.h>
#include <jansson.h>

#include "base/json.h"

#define SETTINGS_RUNTIMES "runtimes"
#define SETTINGS_DEFAULT  "default-runtime"

static void settings_free_tree(json_t **tree_at)
{
	json_decref(*tree_at);
}
#define auto_tree __attribute__((cleanup(settings_free_tree)))

/* --- places in a text that is known to be JSON --- */

/* A member of an object, as offsets into the text. */
struct settings_spot {
	size_t before; /* behind the '{' or ',' in front of it */
	size_t key, value, end;
	size_t previous; /* end of the value before it; 0: it is the first */
	size_t next;	 /* the key behind it; 0: it is the last */
};

static size_t settings_blank(struct slice text, size_t at)
{
	while (at < text.bytes && text.at[at] && strchr(" \t\r\n", text.at[at]))
		at++;
	return at;
}

/* Behind a string, the quote that begins it is at `at`. */
static size_t settings_string_end(struct slice text, size_t at)
{
	for (at++; at < text.bytes && text.at[at] != '"'; at++)
		at += text.at[at] == '\\';
	return at + 1;
}

static size_t settings_value_end(struct slice text, size_t at)
{
	size_t depth = 0;

	for (; at < text.bytes; at++) {
		char c = text.at[at];

		if (c == '"') {
			at = settings_string_end(text, at);
			if (depth == 0)
				return at;
			at--;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth <= 1)
				return depth ? at + 1 : at;
			depth--;
		} else if (depth == 0 && (c == ',' || settings_blank(text, at) != at)) {
			return at;
		}
	}
	return at;
}

/* As Docker reads it: a key may be written with escapes. */
static bool settings_key_is(struct slice text, size_t at, const char *name)
{
	auto_tree json_t *key =
		json_loadb(text.at + at, settings_string_end(text, at) - at, JSON_DECODE_ANY, NULL);

	return key && strcmp(json_string_value(key), name) == 0;
}

/* Finds a member of the object whose '{' is at `open`; name NULL: the last one. */
static bool settings_find(struct slice text, size_t open, const char *name,
			  struct settings_spot *spot)
{
	size_t at = open + 1, previous = 0;
	bool found = false;

	for (;;) {
		struct settings_spot here = { .before = at, .previous = previous };

		here.key = settings_blank(text, at);
		if (text.at[here.key] == '}')
			return found;
		if (found && name) {
			spot->next = here.key;
			return true;
		}
		at = settings_blank(text, settings_string_end(text, here.key)); /* the colon */
		here.value = settings_blank(text, at + 1);
		here.end = settings_value_end(text, here.value);
		if (!name || settings_key_is(text, here.key, name)) {
			*spot = here;
			found = true;
		}
		previous = here.end;
		at = settings_blank(text, here.end);
		if (text.at[at] == '}')
			return found;
		at++;
	}
}

/* --- changes --- */

/* The text with `put` instead of what is between two places. */
static void settings_splice(struct slice text, size_t from, size_t to, struct slice put,
			    struct text *after)
{
	text_put(after, slice_first(text, from));
	text_put(after, put);
	text_put(after, slice_skip(text, to));
}

/* Puts a member behind the last one, or behind the '{': always in front of the blanks that are
 * there, so that settings_cut() takes away what was put, and no more. */
static void settings_put(struct slice text, size_t open, struct slice member, struct text *after)
{
	auto_text struct text put = { 0 };
	struct settings_spot last;
	size_t at = open + 1;

	if (settings_find(text, open, NULL, &last)) {
		at = last.end;
		text_putc(&put, ',');
		if (last.key == last.before)
			text_putc(&put, ' ');
		text_put(&put, slice_first(slice_skip(text, last.before), last.key - last.before));
	} else if (memchr(text.at + at, '\n', settings_blank(text, at) - at)) {
		text_put(&put, SLICE("\n    "));
	}
	text_put(&put, member);
	settings_splice(text, at, at, text_slice(&put), after);
	after->failed |= put.failed;
}

static void settings_cut(struct slice text, const struct settings_spot *spot, struct text *after)
{
	struct slice none = { "", 0 };

	if (spot->previous)
		settings_splice(text, spot->previous, spot->end, none, after);
	else if (spot->next)
		settings_splice(text, spot->key, spot->next, none, after);
	else
		settings_splice(text, spot->before, spot->end, none, after);
}

/* --- what is in it --- */

/* *ret_entry = what there is of our name; borrowed from the tree. */
static int settings_read(struct slice before, json_t **ret_tree, json_t **ret_entry,
			 struct error *err)
{
	json_error_t wrong;
	json_t *runtimes;

	*ret_tree = json_loadb(before.at, before.bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			       &wrong);
	if (!*ret_tree)
		return error_say(err, EINVAL, "line %d, column %d: %s", wrong.line, wrong.column,
				 wrong.text);
	if (!json_is_object(*ret_tree))
		return error_say(err, EINVAL, "line 1: is no object");
	runtimes = json_object_get(*ret_tree, SETTINGS_RUNTIMES);
	if (runtimes && !json_is_object(runtimes))
		return error_say(err, EINVAL, SETTINGS_RUNTIMES ": is no object");
	*ret_entry = json_object_get(runtimes, DOCKER_RUNTIME);
	return 0;
}

/* 1: the entry is our program; 0: there is none. */
static int settings_is_ours(json_t *entry, const char *program, struct error *err)
{
	const char *path = json_string_value(json_object_get(entry, "path"));

	if (!entry)
		return 0;
	if (path && strcmp(path, program) == 0)
		return 1;
	return error_say(err, EEXIST, SETTINGS_RUNTIMES "." DOCKER_RUNTIME " is '%s', not '%s'",
			 path ? path : "another", program);
}

static bool settings_is_blank(struct slice text)
{
	return settings_blank(text, 0) == text.bytes;
}

/* One line, to stand among lines of any style. */
static void settings_entry(const char *program, struct text *entry)
{
	struct json json = { .out = entry };

	text_put(entry, SLICE("\"" DOCKER_RUNTIME "\": {\"path\": "));
	json_text(&json, slice_of(program));
	text_putc(entry, '}');
}

/* The whole of a file that we made. Nothing that settings_put() makes of a file that was there
 * looks so: that has no tab of ours. */
static void settings_whole(struct slice entry, struct text *whole)
{
	text_printf(whole, "{\n\t\"" SETTINGS_RUNTIMES "\": {%.*s}\n}\n", SLICE_ARG(entry));
}

static int settings_finish(struct text *after, struct error *err)
{
	return after->failed ? error_errno(err, ENOMEM, "change Docker's settings") : 1;
}

int docker_settings_add(struct slice before, const char *program, struct text *after,
			struct error *err)
{
	auto_text struct text entry = { 0 }, runtimes = { 0 };
	auto_tree json_t *tree = NULL;
	size_t open = settings_blank(before, 0);
	struct settings_spot spot;
	json_t *ours = NULL;
	int r;

	settings_entry(program, &entry);
	if (settings_is_blank(before)) {
		settings_whole(text_slice(&entry), after);
		return settings_finish(after, err);
	}
	r = settings_read(before, &tree, &ours, err);
	if (r == 0)
		r = settings_is_ours(ours, program, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (settings_find(before, open, SETTINGS_RUNTIMES, &spot)) {
		settings_put(before, spot.value, text_slice(&entry), after);
	} else {
		text_printf(&runtimes, "\"" SETTINGS_RUNTIMES "\": {%s}", text_str(&entry));
		settings_put(before, open, text_slice(&runtimes), after);
	}
	after->failed |= entry.failed | runtimes.failed;
	return settings_finish(after, err);
}

/* The runtime, or with it the table of runtimes when there is no other in it. */
static void settings_cut_runtime(struct slice text, bool alone, struct text *after)
{
	struct settings_spot spot;

	if (!settings_find(text, settings_blank(text, 0), SETTINGS_RUNTIMES, &spot))
		return;
	if (alone || settings_find(text, spot.value, DOCKER_RUNTIME, &spot))
		settings_cut(text, &spot, after);
}

int docker_settings_remove(struct slice before, const char *program, struct text *after,
			   struct error *err)
{
	auto_text struct text entry = { 0 }, whole = { 0 }, less = { 0 };
	auto_tree json_t *tree = NULL;
	struct settings_spot spot;
	json_t *ours = NULL;
	const char *chosen;
	int r = settings_is_blank(before) ? 0 : settings_read(before, &tree, &ours, err);

	if (r == 0)
		r = settings_is_ours(ours, program, err);
	if (r <= 0)
		return r;
	settings_entry(program, &entry);
	settings_whole(text_slice(&entry), &whole);
	if (slice_eq(before, text_slice(&whole)))
		return settings_finish(&whole, err);
	settings_cut_runtime(
		before, json_object_size(json_object_get(tree, SETTINGS_RUNTIMES)) == 1, &less);
	chosen = json_string_value(json_object_get(tree, SETTINGS_DEFAULT));
	if (chosen && strcmp(chosen, DOCKER_RUNTIME) == 0 &&
	    settings_find(text_slice(&less), settings_blank(text_slice(&less), 0), SETTINGS_DEFAULT,
			  &spot))
		settings_cut(text_slice(&less), &spot, after);
	else
		text_put(after, text_slice(&less));
	after->failed |= less.failed;
	return settings_finish(after, err);
}
