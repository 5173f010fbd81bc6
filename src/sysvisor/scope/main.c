/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysvisor-scope - asks systemd for a container's control group; for sysvisor-runc
 *--systemd-cgroup.
 *
 *	sysvisor-scope start UNIT PROPERTY...	prints the unit's control group
 *	sysvisor-scope set UNIT PROPERTY...
 *	sysvisor-scope stop UNIT
 *
 * PROPERTY is NAME=TYPE:VALUE, TYPE being D-Bus's: "MemoryMax=t:65536", "DevicePolicy=s:strict".
 *What the properties mean only the caller knows. A program of its own, so that the runtime can be
 *linked statically and starts without libsystemd (docs/decisions/0010).
 *
 * Source: org.freedesktop.systemd1(5).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"

#define SCOPE_SYSTEMD  "org.freedesktop.systemd1"
#define SCOPE_PATH     "/org/freedesktop/systemd1"
#define SCOPE_MANAGER  "org.freedesktop.systemd1.Manager"
#define SCOPE_DIRECT   "unix:path=/run/systemd/private" /* where no D-Bus daemon runs */
#define SCOPE_PATIENCE (25 * NS_PER_S)
#define SCOPE_ROUNDS   32 /* properties that an old systemd may not know */

struct scope {
	sd_bus *bus;
	const char *unit;
	char **properties;
	int count;
	const char *job; /* the one that is waited for */
	char result[32]; /* "" until the job has ended */
};

/* --- properties --- */

static int scope_put_number(sd_bus_message *message, char type, struct slice value)
{
	uint64_t number;

	if (!slice_u64(value, &number))
		return -EINVAL;
	/* One place in memory for all widths: x86 and arm64 store the low bytes first. */
	return sd_bus_message_append_basic(message, type, &number);
}

static int scope_put_u64(sd_bus_message *message, struct slice value)
{
	return scope_put_number(message, 't', value);
}

static int scope_put_u32(sd_bus_message *message, struct slice value)
{
	return scope_put_number(message, 'u', value);
}

static int scope_put_bool(sd_bus_message *message, struct slice value)
{
	int truth = slice_is(value, "true");

	return truth || slice_is(value, "false") ? sd_bus_message_append_basic(message, 'b', &truth)
						 : -EINVAL;
}

static int scope_put_text(sd_bus_message *message, struct slice value)
{
	return sd_bus_message_append(message, "s", value.at); /* the last of an argument */
}

static int scope_put_pids(sd_bus_message *message, struct slice value)
{
	int r = sd_bus_message_open_container(message, 'a', "u");

	if (r >= 0)
		r = scope_put_u32(message, value);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Hexadecimal digits, two for each byte. */
static int scope_put_bytes(sd_bus_message *message, struct slice value)
{
	int r = sd_bus_message_open_container(message, 'a', "y");

	for (; r >= 0 && value.bytes >= 2; value = slice_skip(value, 2)) {
		uint64_t byte;

		if (!slice_hex(slice_first(value, 2), &byte))
			return -EINVAL;
		r = sd_bus_message_append_basic(message, 'y', &byte);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Lines of two words. */
static int scope_put_pairs(sd_bus_message *message, struct slice value)
{
	int r = sd_bus_message_open_container(message, 'a', "(ss)");
	struct slice line, first;

	while (r >= 0 && slice_next(&value, '\n', &line)) {
		char words[2][64];

		if (!slice_cut(&line, ' ', &first))
			return -EINVAL;
		slice_copy(first, words[0], sizeof(words[0]));
		slice_copy(line, words[1], sizeof(words[1]));
		r = sd_bus_message_append(message, "(ss)", words[0], words[1]);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static const struct {
	const char *type;
	int (*put)(sd_bus_message *message, struct slice value);
} scope_types[] = {
	{ "t", scope_put_u64 },	      { "u", scope_put_u32 },	{ "b", scope_put_bool },
	{ "s", scope_put_text },      { "au", scope_put_pids }, { "ay", scope_put_bytes },
	{ "a(ss)", scope_put_pairs },
};

static int scope_put_variant(sd_bus_message *message, const char *name, size_t type,
			     struct slice value)
{
	int r = sd_bus_message_open_container(message, 'r', "sv");

	if (r >= 0)
		r = sd_bus_message_append_basic(message, 's', name);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'v', scope_types[type].type);
	if (r >= 0)
		r = scope_types[type].put(message, value);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int scope_put_property(sd_bus_message *message, const char *property, struct error *err)
{
	struct slice rest = slice_of(property), name, type;
	char name_text[64];
	int r = -EINVAL;

	if (slice_cut(&rest, '=', &name) && slice_cut(&rest, ':', &type))
		for (size_t n = 0; n < array_count(scope_types); n++)
			if (slice_is(type, scope_types[n].type)) {
				slice_copy(name, name_text, sizeof(name_text));
				r = scope_put_variant(message, name_text, n, rest);
			}
	return r < 0 ? error_errno(err, -r, "property '%s'", property) : 0;
}

static int scope_put_properties(const struct scope *scope, sd_bus_message *message,
				struct error *err)
{
	int r = sd_bus_message_open_container(message, 'a', "(sv)");

	for (int n = 0; n < scope->count && r >= 0; n++) {
		r = scope_put_property(message, scope->properties[n], err);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? error_errno(err, -r, "write a message") : 0;
}

/* An older systemd names the first property that it doesn't know; true: it is taken out, and said
 * so. The runtime writes the limit to the control group, too. */
static bool scope_forget_property(struct scope *scope, const sd_bus_error *why)
{
	struct slice words = slice_of(why->message);

	if (!sd_bus_error_has_name(why, SD_BUS_ERROR_PROPERTY_READ_ONLY))
		return false;
	for (int n = 0; n < scope->count; n++) {
		struct slice rest = slice_of(scope->properties[n]), name;
		char word[80];

		if (!slice_cut(&rest, '=', &name))
			continue;
		snprintf(word, sizeof(word), " %.*s,", SLICE_ARG(name));
		if (slice_find(words, slice_of(word)) < 0)
			continue;
		printf("this systemd knows no property %.*s\n", SLICE_ARG(name));
		scope->properties[n] = scope->properties[--scope->count];
		return true;
	}
	return false;
}

/* --- calls --- */

static int scope_connect(struct scope *scope, struct error *err)
{
	int r = sd_bus_open_system(&scope->bus);

	if (r >= 0)
		return 0;
	if (sd_bus_new(&scope->bus) >= 0 && sd_bus_set_address(scope->bus, SCOPE_DIRECT) >= 0 &&
	    sd_bus_start(scope->bus) >= 0)
		return 0;
	return error_errno(err, -r,
			   "reach systemd: neither the system's D-Bus nor '" SCOPE_DIRECT
			   "' answers; start dbus, or set the engine's cgroup driver to cgroupfs");
}

static int scope_begin(const struct scope *scope, const char *method, sd_bus_message **ret,
		       struct error *err)
{
	int r = sd_bus_message_new_method_call(scope->bus, ret, SCOPE_SYSTEMD, SCOPE_PATH,
					       SCOPE_MANAGER, method);

	if (r >= 0)
		r = sd_bus_message_append_basic(*ret, 's', scope->unit);
	return r < 0 ? error_errno(err, -r, "write a message") : 0;
}

static int scope_refused(const struct scope *scope, const char *what, const sd_bus_error *why,
			 int r, struct error *err)
{
	return error_say(err, -r, "%s unit '%s': %s", what, scope->unit,
			 why->message ? why->message : strerror(-r));
}

static int scope_on_job(sd_bus_message *message, void *owner, sd_bus_error *why)
{
	struct scope *scope = owner;
	const char *job, *unit, *result;
	uint32_t id;

	(void)why;
	if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0 && scope->job &&
	    strcmp(job, scope->job) == 0)
		slice_copy(slice_of(result), scope->result, sizeof(scope->result));
	return 0;
}

/* Before the call whose job is waited for: what comes meanwhile is kept by the bus. */
static int scope_watch_jobs(struct scope *scope, struct error *err)
{
	bool brokered = sd_bus_is_bus_client(scope->bus) > 0;
	int r = sd_bus_match_signal(scope->bus, NULL, brokered ? SCOPE_SYSTEMD : NULL, SCOPE_PATH,
				    SCOPE_MANAGER, "JobRemoved", scope_on_job, scope);

	if (r >= 0 && brokered)
		r = sd_bus_call_method(scope->bus, SCOPE_SYSTEMD, SCOPE_PATH, SCOPE_MANAGER,
				       "Subscribe", NULL, NULL, NULL);
	return r < 0 ? error_errno(err, -r, "watch systemd's jobs") : 0;
}

static int scope_wait_job(struct scope *scope, sd_bus_message *reply, const char *what,
			  struct error *err)
{
	uint64_t until = clock_mono_ns() + SCOPE_PATIENCE, now;
	int r = sd_bus_message_read(reply, "o", &scope->job);

	while (r >= 0 && !scope->result[0] && (now = clock_mono_ns()) < until) {
		r = sd_bus_process(scope->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(scope->bus, (until - now) / NS_PER_US);
	}
	if (r < 0)
		return error_errno(err, -r, "%s unit '%s'", what, scope->unit);
	if (!scope->result[0])
		return error_say(err, ETIMEDOUT, "%s unit '%s': no end of the job in %d s", what,
				 scope->unit, (int)(SCOPE_PATIENCE / NS_PER_S));
	if (strcmp(scope->result, "done") != 0)
		return error_say(err, EIO,
				 "%s unit '%s': the job's result is '%s'; see "
				 "`journalctl -u %s`",
				 what, scope->unit, scope->result, scope->unit);
	return 0;
}

static void scope_reset_failed(const struct scope *scope)
{
	sd_bus_call_method(scope->bus, SCOPE_SYSTEMD, SCOPE_PATH, SCOPE_MANAGER, "ResetFailedUnit",
			   NULL, NULL, "s", scope->unit);
}

/* --- commands --- */

/* A unit that has begun to start and got no further goes again. */
static int scope_await_start(struct scope *scope, sd_bus_message *reply, struct error *err)
{
	int r = scope_wait_job(scope, reply, "start", err);

	if (r < 0)
		sd_bus_call_method(scope->bus, SCOPE_SYSTEMD, SCOPE_PATH, SCOPE_MANAGER, "StopUnit",
				   NULL, NULL, "ss", scope->unit, "replace");
	return r;
}

static int scope_start_once(struct scope *scope, sd_bus_error *why, struct error *err)
{
	sd_bus_message *message = NULL, *reply = NULL;
	int r = scope_begin(scope, "StartTransientUnit", &message, err);

	if (r == 0 && sd_bus_message_append_basic(message, 's', "fail") < 0)
		r = error_errno(err, ENOMEM, "write a message");
	if (r == 0)
		r = scope_put_properties(scope, message, err);
	if (r == 0 && sd_bus_message_append(message, "a(sa(sv))", 0) < 0)
		r = error_errno(err, ENOMEM, "write a message");
	if (r == 0) {
		r = sd_bus_call(scope->bus, message, 0, why, &reply);
		r = r < 0 ? scope_refused(scope, "start", why, r, err)
			  : scope_await_start(scope, reply, err);
	}
	sd_bus_message_unref(reply);
	sd_bus_message_unref(message);
	return r;
}

static int scope_print_group(const struct scope *scope, struct error *err)
{
	char *path = NULL, *group = NULL;
	sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_path_encode(SCOPE_PATH "/unit", scope->unit, &path);

	if (r >= 0)
		r = sd_bus_get_property_string(scope->bus, SCOPE_SYSTEMD, path,
					       SCOPE_SYSTEMD ".Scope", "ControlGroup", &why,
					       &group);
	if (r < 0)
		r = scope_refused(scope, "find the control group of", &why, r, err);
	else
		printf("%s\n", group);
	sd_bus_error_free(&why);
	free(path);
	free(group);
	return r;
}

static int scope_start(struct scope *scope, struct error *err)
{
	bool cleared = false;
	int r = scope_watch_jobs(scope, err);

	if (r < 0)
		return r;
	for (int round = 0; round < SCOPE_ROUNDS; round++) {
		sd_bus_error why = SD_BUS_ERROR_NULL;
		bool again;

		r = scope_start_once(scope, &why, err);
		again = r < 0 && scope_forget_property(scope, &why);
		/* One that has failed stays, and is in the way, until it is reset. */
		if (r < 0 && !cleared && sd_bus_error_has_name(&why, SCOPE_SYSTEMD ".UnitExists")) {
			scope_reset_failed(scope);
			again = cleared = true;
		}
		sd_bus_error_free(&why);
		if (!again)
			break;
	}
	return r < 0 ? r : scope_print_group(scope, err);
}

static int scope_set_once(struct scope *scope, sd_bus_error *why, struct error *err)
{
	sd_bus_message *message = NULL;
	int runtime = true, r = scope_begin(scope, "SetUnitProperties", &message, err);

	if (r == 0 && sd_bus_message_append_basic(message, 'b', &runtime) < 0)
		r = error_errno(err, ENOMEM, "write a message");
	if (r == 0)
		r = scope_put_properties(scope, message, err);
	if (r == 0) {
		r = sd_bus_call(scope->bus, message, 0, why, NULL);
		r = r < 0 ? scope_refused(scope, "change", why, r, err) : 0;
	}
	sd_bus_message_unref(message);
	return r;
}

static int scope_set(struct scope *scope, struct error *err)
{
	int r = 0;

	for (int round = 0; round < SCOPE_ROUNDS; round++) {
		sd_bus_error why = SD_BUS_ERROR_NULL;
		bool again;

		r = scope_set_once(scope, &why, err);
		again = r < 0 && scope_forget_property(scope, &why);
		sd_bus_error_free(&why);
		if (!again)
			break;
	}
	return r;
}

/* That there is none any more is the wanted end: a scope goes with its last process. */
static int scope_stop(struct scope *scope, struct error *err)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int r = scope_watch_jobs(scope, err);

	if (r < 0)
		return r;
	r = sd_bus_call_method(scope->bus, SCOPE_SYSTEMD, SCOPE_PATH, SCOPE_MANAGER, "StopUnit",
			       &why, &reply, "ss", scope->unit, "replace");
	if (r >= 0)
		r = scope_wait_job(scope, reply, "stop", err);
	else if (sd_bus_error_has_name(&why, SCOPE_SYSTEMD ".NoSuchUnit"))
		r = 0;
	else
		r = scope_refused(scope, "stop", &why, r, err);
	scope_reset_failed(scope);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&why);
	return r;
}

static const struct {
	const char *name;
	int (*run)(struct scope *scope, struct error *err);
} scope_commands[] = {
	{ "start", scope_start },
	{ "set", scope_set },
	{ "stop", scope_stop },
};

int main(int argc, char **argv)
{
	struct scope scope = { .unit = argc > 2 ? argv[2] : NULL,
			       .properties = argv + 3,
			       .count = argc - 3 };
	struct error err = { 0 };
	int r = -EINVAL;

	error_say(&err, EINVAL, "usage: sysvisor-scope start|set|stop UNIT [NAME=TYPE:VALUE...]");
	for (size_t n = 0; n < array_count(scope_commands) && scope.unit; n++)
		if (strcmp(argv[1], scope_commands[n].name) == 0) {
			r = scope_connect(&scope, &err);
			if (r == 0)
				r = scope_commands[n].run(&scope, &err);
		}
	sd_bus_flush_close_unref(scope.bus);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	return r < 0;
}
