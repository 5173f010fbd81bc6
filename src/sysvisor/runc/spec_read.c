/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/spec_read.h"

#include <errno.h>
#include <jansson.h>

#include "base/text.h"

/* Where in the file we are: a chain on the stack, spelt out only for an error. */
struct spec_place {
	const struct spec_place *above;
	const char *key; /* NULL: an index */
	size_t index;
};

struct spec_reader {
	struct arena *arena;
	struct error *err;
};

static void spec_place_print(const struct spec_place *place, struct text *out)
{
	if (place->above)
		spec_place_print(place->above, out);
	if (!place->key)
		text_printf(out, "[%zu]", place->index);
	else if (place->above && place->above->above)
		text_printf(out, ".%s", place->key);
	else if (place->above)
		text_printf(out, ": %s", place->key);
	else
		text_printf(out, "%s", place->key);
}

static const char *spec_kind(const json_t *json)
{
	static const char *const kinds[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",	 [JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return kinds[json_typeof(json)];
}

static int spec_say(struct spec_reader *reader, const struct spec_place *place, const char *words)
{
	auto_text struct text where = { 0 };

	spec_place_print(place, &where);
	return error_say(reader->err, EINVAL, "%s: %s", text_str(&where), words);
}

static int spec_wanted(struct spec_reader *reader, const struct spec_place *place,
		       const json_t *json, const char *wanted)
{
	char words[80];

	snprintf(words, sizeof(words), "is %s; %s is wanted", spec_kind(json), wanted);
	return spec_say(reader, place, words);
}

static int spec_no_memory(struct spec_reader *reader)
{
	return error_errno(reader->err, ENOMEM, "read the specification");
}

static int spec_read_shape(struct spec_reader *reader, const struct spec_place *place,
			   const json_t *json, const struct spec_shape *shape, void *at);

/* A JSON text may hold a NUL byte; for the kernel a text ends there, so it is no text of ours. */
static int spec_read_text(struct spec_reader *reader, const struct spec_place *place,
			  const json_t *json, const char **ret)
{
	if (!json_is_string(json))
		return spec_wanted(reader, place, json, "a text");
	if (strlen(json_string_value(json)) != json_string_length(json))
		return spec_say(reader, place, "has a NUL byte in it");
	*ret = json_string_value(json);
	return 0;
}

static int spec_read_number(struct spec_reader *reader, const struct spec_place *place,
			    const json_t *json, struct spec_number *ret)
{
	if (!json_is_integer(json))
		return spec_wanted(reader, place, json, "a whole number");
	*ret = (struct spec_number){ json_integer_value(json), true };
	return 0;
}

static int spec_read_id(struct spec_reader *reader, const struct spec_place *place,
			const json_t *json, uint32_t *ret)
{
	struct spec_number number = { 0 };
	int r = spec_read_number(reader, place, json, &number);

	if (r < 0)
		return r;
	if (number.value < 0 || number.value > UINT32_MAX)
		return spec_say(reader, place, "is outside 0 to 4294967295");
	*ret = (uint32_t)number.value;
	return 0;
}

static int spec_read_words(struct spec_reader *reader, const struct spec_place *place,
			   const json_t *json, struct spec_words *ret)
{
	struct spec_place item = { .above = place };
	size_t count = json_array_size(json);
	int r = 0;

	if (!json_is_array(json))
		return spec_wanted(reader, place, json, "a list of texts");
	/* One more: the kernel wants a NULL behind the last argument. */
	ret->at = arena_take(reader->arena, (count + 1) * sizeof(*ret->at));
	if (!ret->at)
		return spec_no_memory(reader);
	for (size_t n = 0; n < count && r == 0; n++) {
		item.index = n;
		r = spec_read_text(reader, &item, json_array_get(json, n), &ret->at[n]);
	}
	ret->count = count;
	return r;
}

static int spec_read_list(struct spec_reader *reader, const struct spec_place *place,
			  const json_t *json, const struct spec_shape *shape, struct spec_list *ret)
{
	size_t bytes = shape ? shape->bytes : sizeof(uint32_t);
	struct spec_place item = { .above = place };
	size_t count = json_array_size(json);
	int r = 0;

	if (!json_is_array(json))
		return spec_wanted(reader, place, json, "a list");
	ret->at = arena_take(reader->arena, count * bytes + 1);
	if (!ret->at)
		return spec_no_memory(reader);
	ret->count = count;
	for (size_t n = 0; n < count && r == 0; n++) {
		const json_t *value = json_array_get(json, n);
		void *at = (char *)ret->at + n * bytes;

		item.index = n;
		r = shape ? spec_read_shape(reader, &item, value, shape, at)
			  : spec_read_id(reader, &item, value, at);
	}
	return r;
}

static int spec_read_pairs(struct spec_reader *reader, const struct spec_place *place,
			   const json_t *json, struct spec_list *ret)
{
	struct spec_pair *pair;
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return spec_wanted(reader, place, json, "an object of texts");
	pair = arena_take(reader->arena, (json_object_size(json) + 1) * sizeof(*pair));
	if (!pair)
		return spec_no_memory(reader);
	ret->at = pair;
	ret->count = json_object_size(json);
	json_object_foreach((json_t *)json, key, value) {
		const struct spec_place item = { place, key, 0 };
		int r = spec_read_text(reader, &item, value, &pair->value);

		if (r < 0)
			return r;
		pair++->key = key;
	}
	return 0;
}

static int spec_read_named(struct spec_reader *reader, const struct spec_place *place,
			   const json_t *json, const struct spec_shape *shape,
			   struct spec_list *ret)
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return spec_wanted(reader, place, json, "an object");
	ret->at = arena_take(reader->arena, json_object_size(json) * shape->bytes + 1);
	if (!ret->at)
		return spec_no_memory(reader);
	json_object_foreach((json_t *)json, key, value) {
		const struct spec_place item = { place, key, 0 };
		void *at = (char *)ret->at + ret->count++ * shape->bytes;
		int r = spec_read_shape(reader, &item, value, shape, at);

		if (r < 0)
			return r;
		*(const char **)at = key;
	}
	return 0;
}

static int spec_read_pick(struct spec_reader *reader, const struct spec_place *place,
			  const json_t *json, const struct spec_field *field, int *ret)
{
	const char *name = "";
	char words[96];
	int r = spec_read_text(reader, place, json, &name);

	if (r < 0)
		return r;
	*ret = field->pick(name);
	if (*ret >= 0)
		return 0;
	snprintf(words, sizeof(words), "'%.60s' is not known", name);
	return spec_say(reader, place, words);
}

static int spec_read_switch(struct spec_reader *reader, const struct spec_place *place,
			    const json_t *json, bool *ret)
{
	if (!json_is_boolean(json))
		return spec_wanted(reader, place, json, "true or false");
	*ret = json_is_true(json);
	return 0;
}

static int spec_read_field(struct spec_reader *reader, const struct spec_place *place,
			   const json_t *json, const struct spec_field *field, void *at)
{
	struct spec_number *number = at;
	bool on = false;
	int r;

	switch (field->type) {
	case SPEC_text:
		return spec_read_text(reader, place, json, at);
	case SPEC_flag:
		return spec_read_switch(reader, place, json, at);
	case SPEC_id:
		return spec_read_id(reader, place, json, at);
	case SPEC_number:
		return spec_read_number(reader, place, json, at);
	case SPEC_switch:
		r = spec_read_switch(reader, place, json, &on);
		*number = (struct spec_number){ on, true };
		return r;
	case SPEC_words:
		return spec_read_words(reader, place, json, at);
	case SPEC_ids:
		return spec_read_list(reader, place, json, NULL, at);
	case SPEC_pairs:
		return spec_read_pairs(reader, place, json, at);
	case SPEC_object:
		return spec_read_shape(reader, place, json, field->shape, at);
	case SPEC_list:
		return spec_read_list(reader, place, json, field->shape, at);
	case SPEC_named:
		return spec_read_named(reader, place, json, field->shape, at);
	case SPEC_pick:
		return spec_read_pick(reader, place, json, field, at);
	}
	return 0;
}

static int spec_read_shape(struct spec_reader *reader, const struct spec_place *place,
			   const json_t *json, const struct spec_shape *shape, void *at)
{
	if (!json_is_object(json))
		return spec_wanted(reader, place, json, "an object");
	if (shape->given_at)
		*((bool *)((char *)at + shape->given_at)) = true;
	for (size_t n = 0; n < shape->count; n++) {
		const struct spec_field *field = &shape->fields[n];
		const struct spec_place below = { place, field->key, 0 };
		const json_t *value = json_object_get(json, field->key);
		int r;

		/* Engines write null for what isn't set. */
		if (!value || json_is_null(value)) {
			if (field->required)
				return spec_say(reader, &below, "is missing");
			continue;
		}
		r = spec_read_field(reader, &below, value, field, (char *)at + field->at);
		if (r < 0)
			return r;
	}
	return 0;
}

int spec_read(const json_t *json, const struct spec_shape *shape, void *at, struct arena *arena,
	      const char *place, struct error *err)
{
	struct spec_reader reader = { arena, err };
	const struct spec_place top = { .key = place };

	return spec_read_shape(&reader, &top, json, shape, at);
}
