/* SPDX-License-Identifier: Apache-2.0 */
#include "ingraind/environment.h"

#include <errno.h>

#include "event/encode.h"

static const char *ingraind_variable(const char *name)
{
	const char *words = getenv(name);

	return words && *words ? words : NULL;
}

/* A variable that holds a number; the fallback when it isn't set. */
static int ingraind_number(const char *name, uint64_t fallback, uint64_t most, uint64_t *ret_number,
			   struct error *err)
{
	const char *words = ingraind_variable(name);

	*ret_number = fallback;
	if (!words ||
	    (slice_u64(slice_of(words), ret_number) && *ret_number && *ret_number <= most))
		return 0;
	return error_say(err, EINVAL, "$%s is '%s', should be a number from 1 to %llu", name, words,
			 (unsigned long long)most);
}

/* CONSOLE may name a format; any other value just switches it on. */
static void ingraind_put_console(struct text *toml)
{
	const char *words = getenv("CONSOLE");
	const char *format = event_format_names[FORMAT_measurement];

	if (!words)
		return;
	for (size_t n = 0; event_format_names[n]; n++)
		if (strcmp(event_format_names[n], words) == 0)
			format = words;
	text_printf(toml, "[pipeline.console.config]\nbackend = \"Console\"\nformat = \"%s\"\n",
		    format);
}

/* Objects are arrays, as this program's consumers know them. */
static int ingraind_put_s3(struct text *toml, struct error *err)
{
	uint64_t interval_s;
	int r = ingraind_number("AWS_INTERVAL", 60, 86400, &interval_s, err);

	if (r < 0 || !ingraind_variable("AWS_BUCKET"))
		return r;
	text_printf(toml,
		    "[pipeline.s3]\n"
		    "steps = [{ type = \"AddSystemDetails\" },"
		    " { type = \"Buffer\", interval_s = %llu }]\n"
		    "[pipeline.s3.config]\n"
		    "backend = \"S3\"\n"
		    "body = \"json-array\"\n"
		    "compression = \"none\"\n"
		    "interval = \"1s\"\n",
		    (unsigned long long)interval_s);
	return 0;
}

static int ingraind_put_statsd(struct text *toml, struct error *err)
{
	uint64_t port;
	int r = ingraind_number("STATSD_PORT", 8125, 65535, &port, err);

	if (r < 0 || !ingraind_variable("STATSD_HOST"))
		return r;
	text_put(toml, SLICE("[pipeline.statsd]\n"
			     "steps = [{ type = \"AddSystemDetails\" }]\n"
			     "[pipeline.statsd.config]\n"
			     "backend = \"StatsD\"\n"));
	return 0;
}

/* Both names and TLS were seen on one interface. */
static int ingraind_put_interface(struct text *toml, struct error *err)
{
	const char *name = ingraind_variable("DNS_IF");

	if (!name)
		return 0;
	if (strpbrk(name, "\"\\\n"))
		return error_say(err, EINVAL, "$DNS_IF is '%s', should be a network interface",
				 name);
	text_printf(toml, "[dns]\ninterface = \"%s\"\n[tls]\ninterface = \"%s\"\n", name, name);
	return 0;
}

int ingraind_environment(struct text *toml, struct error *err)
{
	int r;

	ingraind_put_console(toml);
	r = ingraind_put_s3(toml, err);
	if (r == 0)
		r = ingraind_put_statsd(toml, err);
	return r < 0 ? r : ingraind_put_interface(toml, err);
}
