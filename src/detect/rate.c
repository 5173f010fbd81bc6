/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate - a program crashes far more often than it used to.
 *
 * The weakest evidence: it doesn't say why. Silent for a program with a plain bug, which is a
 * crash loop, and where a stronger detector has spoken.
 */
#include "detect/rate.h"

#include <math.h>

#include "detect/detector.h"
#include "detect/timeline.h"

/* What is left of a mean after `windows`. */
static double rate_keep(double windows, const struct detect_settings *settings)
{
	return exp2(-windows * (double)settings->rate_window_ns /
		    (double)settings->rate_half_life_ns);
}

double rate_limit(double usual, const struct detect_settings *settings)
{
	double limit = usual * (double)settings->rate_factor;

	return limit > (double)settings->rate_floor ? limit : (double)settings->rate_floor;
}

/* Learns from the windows that have ended. */
static double rate_usual_at(const struct rate *rate, uint64_t at_ns,
			    const struct detect_settings *settings)
{
	uint64_t windows = at_ns > rate->pace.start_ns
				   ? (at_ns - rate->pace.start_ns) / settings->rate_window_ns
				   : 0;
	double ended = (double)rate->pace.current, keep = rate_keep(1, settings);
	double limit = rate_limit(rate->usual, settings);

	if (windows == 0)
		return rate->usual;
	if (ended > limit)
		ended = limit;
	return (rate->usual * keep + ended * (1 - keep)) *
	       rate_keep((double)(windows - 1), settings);
}

void rate_add(struct rate *rate, uint64_t at_ns, uint64_t count,
	      const struct detect_settings *settings)
{
	rate->usual = rate_usual_at(rate, at_ns, settings);
	pace_add(&rate->pace, settings->rate_window_ns, at_ns, count);
}

uint64_t rate_recent(const struct rate *rate, uint64_t now_ns,
		     const struct detect_settings *settings, double *ret_usual)
{
	*ret_usual = rate_usual_at(rate, now_ns, settings);
	return pace_sum(&rate->pace, settings->rate_window_ns, now_ns);
}

static void rate_put_values(const struct question *question, uint64_t recent, double usual)
{
	const struct detect_settings *settings = question->settings;
	double hours = (double)settings->rate_window_ns / (double)(3600 * NS_PER_S);
	struct json json = { .out = question->values };

	json_open(&json, '{');
	json_key(&json, SLICE("crashes"));
	json_u64(&json, recent);
	json_key(&json, SLICE("held_back"));
	json_u64(&json,
		 pace_sum(&question->program->held_back, settings->window_ns, question->now_ns));
	json_key(&json, SLICE("window_seconds"));
	json_u64(&json, settings->rate_window_ns / NS_PER_S);
	json_key(&json, SLICE("usual_per_hour"));
	json_u64(&json, (uint64_t)llround(usual / hours));
	json_close(&json, '}');
}

static void rate_tell(const struct question *question, struct verdict *verdict, double usual)
{
	char title[192], span[DETECTOR_SPAN_ROOM];
	uint64_t window_ns = question->settings->rate_window_ns;

	snprintf(verdict->reason, sizeof(verdict->reason),
		 "%llu crashes of %s within %s, where %.1f are usual",
		 (unsigned long long)verdict->count,
		 program_title(question->program, title, sizeof(title)),
		 detector_span(window_ns, span), usual);
	if (question->values)
		rate_put_values(question, verdict->count, usual);
}

static bool rate_judge(const struct question *question, struct verdict *verdict)
{
	const struct program *program = question->program;
	const struct detect_settings *settings = question->settings;
	double usual, limit;

	verdict->count = rate_recent(&program->rate, question->now_ns, settings, &usual);
	limit = rate_limit(usual, settings);
	if ((double)verdict->count < limit || detector_is_outdone(question, DETECTOR_rate) ||
	    program_is_loop(program, question->since_ns))
		return false;
	verdict->first_ns = timeline_since(question->now_ns, settings->rate_window_ns);
	verdict->score = detector_score(40, (uint64_t)log2((double)verdict->count / limit), 10, 80);
	rate_tell(question, verdict, usual);
	return true;
}

const struct detector detector_rate = {
	.kind = EVENT_crash_rate,
	.technique_id = "T1499.004",
	.technique_name = "Endpoint Denial of Service: Application or System Exploitation",
	.judge = rate_judge,
};
