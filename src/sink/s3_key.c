/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/s3_key.h"

#include <ctype.h>
#include <errno.h>

#include "base/clock.h"

enum s3_part {
	S3_PART_host,
	S3_PART_node,
	S3_PART_ns,
	S3_PART_id,
	S3_PART_ext,
	S3_PART_pipeline,
	S3_PART_program,
	S3_PART_year,
	S3_PART_month,
	S3_PART_day,
	S3_PART_hour,
	S3_PART_minute,
	S3_PART_second,
	S3_PART_COUNT
};

static const char *const s3_part_names[S3_PART_COUNT] = {
	[S3_PART_host] = "host",       [S3_PART_node] = "node",	    [S3_PART_ns] = "ns",
	[S3_PART_id] = "id",	       [S3_PART_ext] = "ext",	    [S3_PART_year] = "year",
	[S3_PART_month] = "month",     [S3_PART_day] = "day",	    [S3_PART_hour] = "hour",
	[S3_PART_minute] = "minute",   [S3_PART_second] = "second", [S3_PART_pipeline] = "pipeline",
	[S3_PART_program] = "program",
};

static enum s3_part s3_find_part(struct slice name)
{
	int part = 0;

	while (part < S3_PART_COUNT && !slice_is(name, s3_part_names[part]))
		part++;
	return (enum s3_part)part;
}

int s3_key_check(struct slice template, struct error *err)
{
	bool unlike = false;
	struct slice text, name;

	while (slice_cut(&template, '{', &text)) {
		enum s3_part part;

		if (!slice_cut(&template, '}', &name))
			return error_say(err, EINVAL, "'s3.key': '{%.*s' lacks its '}'",
					 SLICE_ARG(template));
		part = s3_find_part(name);
		if (part == S3_PART_COUNT)
			return error_say(
				err, EINVAL,
				"'s3.key': '{%.*s}' is not known; use {host}, {node}, {ns}, "
				"{id}, {ext}, {pipeline}, {program}, {year}, "
				"{month}, "
				"{day}, {hour}, {minute} or {second}",
				SLICE_ARG(name));
		unlike = unlike || part == S3_PART_id;
	}
	if (!unlike)
		return error_say(err, EINVAL,
				 "'s3.key' lacks {id}: objects would replace each other");
	return 0;
}

/* The unreserved characters of RFC 3986, and the slash: what Amazon's signature leaves as it is. */
void s3_put_escaped(struct slice text, struct text *out)
{
	for (size_t n = 0; n < text.bytes; n++) {
		unsigned char c = (unsigned char)text.at[n];

		if (isalnum(c) || (c && strchr("-._~/", c)))
			text_putc(out, (char)c);
		else
			text_printf(out, "%%%02X", c);
	}
}

static void s3_put_part(enum s3_part part, const struct s3_key *key, struct text *out)
{
	/* Where in "2026-11-22T14:50" they stand. */
	static const struct {
		unsigned char at, bytes;
	} times[S3_PART_COUNT] = {
		[S3_PART_year] = { 0, 4 },    [S3_PART_month] = { 5, 2 },
		[S3_PART_day] = { 8, 2 },     [S3_PART_hour] = { 11, 2 },
		[S3_PART_minute] = { 14, 2 }, [S3_PART_second] = { 17, 2 },
	};
	const struct slice texts[S3_PART_COUNT] = {
		[S3_PART_host] = key->host,	  [S3_PART_node] = key->node,
		[S3_PART_ext] = key->ext,	  [S3_PART_pipeline] = key->pipeline,
		[S3_PART_program] = key->program,
	};

	char time[CLOCK_RFC3339_BYTES];

	if (part == S3_PART_COUNT)
		return; /* s3_key_check() has refused it */
	s3_put_escaped(texts[part], out);
	if (part == S3_PART_ns)
		text_u64(out, key->wall_ns, 0);
	else if (part == S3_PART_id)
		text_printf(out, "%llx-%llx", (unsigned long long)key->file,
			    (unsigned long long)key->offset);
	if (part < S3_PART_year)
		return;
	clock_rfc3339(time, key->wall_ns);
	text_put(out, (struct slice){ time + times[part].at, times[part].bytes });
}

void s3_put_key(struct slice template, const struct s3_key *key, struct text *out)
{
	struct slice text, name;

	while (slice_cut(&template, '{', &text)) {
		s3_put_escaped(text, out);
		if (!slice_cut(&template, '}', &name))
			return; /* s3_key_check() has refused it */
		s3_put_part(s3_find_part(name), key, out);
	}
	s3_put_escaped(template, out);
}
