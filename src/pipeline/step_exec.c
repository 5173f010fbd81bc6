/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step Exec: runs a program for each measurement or event that fits, and hands them all on.
 *
 * No shell is between: an argument that is "{ NAME }" becomes the text of that tag (or field),
 * whatever is in it. So many run at a time, so many wait, and what is beyond is counted.
 */
#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/command.h"
#include "event/encode.h"

#define STEP_EXEC_ARGS 32

struct step_exec {
	struct step *step;
	struct list running, waiting;
	size_t running_count, waiting_count;
	bool fails; /* and that has been said */
	struct metric run, failed, lost;
};

/* One program, from when an event asked for it until its end. */
struct step_exec_job {
	struct list node;
	struct step_exec *exec;
	struct command command;
	const char *argv[STEP_EXEC_ARGS + 1];
	char words[]; /* of argv */
};

/* --- arguments --- */

/* The text of a tag, or of a field; false: there is none. */
static bool step_exec_text(struct event *event, struct slice name, struct text *out)
{
	struct event_map *tags = step_tags(event);

	for (size_t n = 0; tags && n < tags->count; n++) {
		if (!slice_eq(tags->pairs[n].name, name))
			continue;
		text_put(out, tags->pairs[n].text);
		return true;
	}
	for (size_t n = 0; !tags && n < event->count; n++) {
		if (!slice_is(name, event_fields[event->values[n].field].name))
			continue;
		event_put_value(&event->values[n], out);
		return true;
	}
	return false;
}

/* All conditions have to hold; one about a tag that isn't there doesn't. */
static bool step_exec_fits(const struct step_settings *settings, struct event *event)
{
	for (size_t n = 0; n < settings->pattern_count; n++) {
		const struct step_pattern *pattern = &settings->patterns[n];
		auto_text struct text words = { 0 };

		if (!step_exec_text(event, slice_of(pattern->key), &words) ||
		    !step_pattern_fits(pattern, slice_of(pattern->key),
				       (struct slice){ text_str(&words), words.bytes }))
			return false;
	}
	return true;
}

/* Adds an argument and its end; what a tag holds behind a zero is cut. */
static bool step_exec_put_word(struct event *event, struct slice word, struct text *out)
{
	struct slice name = word;
	size_t begin = out->bytes;
	char *zero;

	if (!slice_eat(&name, SLICE("{")) || !slice_ends(name, SLICE("}"))) {
		text_put(out, word);
	} else {
		name = slice_trim(slice_first(name, name.bytes - 1));
		if (!step_exec_text(event, name, out))
			return false;
		zero = out->bytes > begin ? memchr(out->at + begin, 0, out->bytes - begin) : NULL;
		if (zero)
			out->bytes = (size_t)(zero - out->at);
	}
	text_putc(out, '\0');
	return !out->failed;
}

static struct step_exec_job *step_exec_make(struct step_exec *exec, struct event *event)
{
	struct slice rest = slice_of(exec->step->settings->command), word;
	auto_text struct text words = { 0 };
	struct step_exec_job *job;
	size_t count = 0;
	char *at;

	while (slice_next(&rest, '\n', &word)) {
		if (!step_exec_put_word(event, slice_trim(word), &words))
			return NULL;
		count++;
	}
	job = words.bytes ? calloc(1, sizeof(*job) + words.bytes) : NULL;
	if (!job)
		return NULL;
	memcpy(job->words, words.at, words.bytes);
	job->exec = exec;
	at = job->words;
	for (size_t n = 0; n < count; n++, at += strlen(at) + 1)
		job->argv[n] = at;
	return job;
}

/* --- running --- */

static void step_exec_go_on(struct step_exec *exec);

static void step_exec_free(struct step_exec_job *job)
{
	list_unlink(&job->node);
	command_done(&job->command);
	free(job);
}

static void step_exec_fail(struct step_exec *exec, const struct error *err)
{
	struct error why = *err;

	exec->failed.value++;
	if (exec->fails)
		return;
	exec->fails = true;
	(void)error_wrap(&why, 0, "step Exec");
	pipeline_trouble(exec->step->pipeline, &why);
}

static void step_exec_on_end(struct command *command, const struct error *err)
{
	struct step_exec_job *job = container_of(command, struct step_exec_job, command);
	struct step_exec *exec = job->exec;

	if (err->code)
		step_exec_fail(exec, err);
	else
		exec->fails = false;
	exec->running_count--;
	step_exec_free(job);
	step_exec_go_on(exec);
}

static void step_exec_start(struct step_exec_job *job)
{
	struct step_exec *exec = job->exec;
	struct error err;

	job->command.argv = job->argv;
	job->command.timeout_ns = exec->step->settings->timeout_ns;
	job->command.ended = step_exec_on_end;
	exec->run.value++;
	if (command_start(&job->command, pipeline_loop(exec->step->pipeline), &err) < 0) {
		step_exec_fail(exec, &err);
		step_exec_free(job);
		return;
	}
	list_append(&exec->running, &job->node);
	exec->running_count++;
}

static void step_exec_go_on(struct step_exec *exec)
{
	while (exec->waiting_count && exec->running_count < exec->step->settings->parallel) {
		struct step_exec_job *job = list_first(&exec->waiting, struct step_exec_job, node);

		list_remove(&job->node);
		exec->waiting_count--;
		step_exec_start(job);
	}
}

/* --- the step --- */

static void step_exec_take(struct step *step, struct event *event)
{
	struct step_exec *exec = step->state;

	if (step_exec_fits(step->settings, event)) {
		bool room = exec->running_count < step->settings->parallel ||
			    exec->waiting_count < step->settings->max_waiting;
		struct step_exec_job *job = room ? step_exec_make(exec, event) : NULL;

		if (job) {
			list_append(&exec->waiting, &job->node);
			exec->waiting_count++;
			step_exec_go_on(exec);
		} else if (room) {
			step->dropped.value++; /* a tag is missing that it wants */
		} else {
			exec->lost.value++;
		}
	}
	step_pass(step, event);
}

static int step_exec_check(struct step_settings *settings, struct error *err)
{
	struct slice rest = slice_of(settings->command), word;
	size_t count = 0;

	while (slice_next(&rest, '\n', &word))
		count++;
	if (count == 0 || count > STEP_EXEC_ARGS)
		return error_say(err, EINVAL, "'command' is a list of 1 to %d words",
				 STEP_EXEC_ARGS);
	return step_patterns_compile(settings, err);
}

static void step_exec_open(struct step *step)
{
	struct metrics *metrics = step->pipeline->env->sinks.metrics;
	struct step_exec *exec = step->state;

	exec->step = step;
	list_init(&exec->running);
	list_init(&exec->waiting);
	metric_add(metrics, METRIC_commands_run, &exec->run, step->dropped.label);
	metric_add(metrics, METRIC_commands_failed, &exec->failed, step->dropped.label);
	metric_add(metrics, METRIC_commands_lost, &exec->lost, step->dropped.label);
}

static bool step_exec_busy(const struct step *step)
{
	return ((const struct step_exec *)step->state)->running_count > 0;
}

static void step_exec_close(struct step *step)
{
	struct step_exec *exec = step->state;
	struct step_exec_job *job;

	list_drain(&exec->waiting, job, node) step_exec_free(job);
	list_drain(&exec->running, job, node) step_exec_free(job);
	metric_remove(&exec->run);
	metric_remove(&exec->failed);
	metric_remove(&exec->lost);
}

const struct step_kind step_exec = {
	.name = "Exec",
	.help = "runs a program for each measurement that fits",
	.patterns_key = "only_if",
	.about_tags = true,
	.state_bytes = sizeof(struct step_exec),
	.check = step_exec_check,
	.open = step_exec_open,
	.take = step_exec_take,
	.busy = step_exec_busy,
	.close = step_exec_close,
};
