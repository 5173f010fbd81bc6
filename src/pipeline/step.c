/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/step.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

const struct step_kind *const step_kinds[] = {
	&step_details,	 &step_buffer, &step_top,    &step_whitelist, &step_allow, &step_regex,
	&step_container, &step_filter, &step_sample, &step_rate,      &step_exec,
};
const size_t step_kind_count = array_count(step_kinds);

static const char *const step_systems[] = { "Docker", "Kubernetes", NULL };

#define AT(member) .at = offsetof(struct step_settings, member), .programs = 1
#define INTERVAL_ROWS(name)                                                                        \
	{ .key = name ".interval",                                                                 \
	  .type = SETTING_duration,                                                                \
	  AT(interval_ns),                                                                         \
	  .scale = NS_PER_S,                                                                       \
	  .fallback = "10s",                                                                       \
	  .min = NS_PER_MS,                                                                        \
	  .max = 86400 * NS_PER_S },                                                               \
		{ .key = name ".interval_s",                                                       \
		  .type = SETTING_duration,                                                        \
		  AT(interval_s_ns),                                                               \
		  .scale = NS_PER_S,                                                               \
		  .min = NS_PER_S,                                                                 \
		  .max = 86400 * NS_PER_S },                                                       \
		{ .key = name ".interval_ms",                                                      \
		  .type = SETTING_duration,                                                        \
		  AT(interval_ms_ns),                                                              \
		  .scale = NS_PER_MS,                                                              \
		  .min = NS_PER_MS,                                                                \
		  .max = 86400 * NS_PER_S },                                                       \
		{ .key = name ".enable_histograms",                                                \
		  .type = SETTING_flag,                                                            \
		  AT(histograms),                                                                  \
		  .fallback = "true" },                                                            \
	{                                                                                          \
		.key = name ".max_series", .type = SETTING_count, AT(max_series),                  \
		.fallback = "10000", .min = 10, .max = 1000000                                     \
	}

const struct setting step_setting_rows[] = {
	INTERVAL_ROWS("Buffer"),
	INTERVAL_ROWS("TopK"),
	{ .key = "TopK.k", .type = SETTING_count, AT(top), .fallback = "10", .min = 1 },
	{ .key = "Whitelist.allow", .type = SETTING_list, AT(allow) },
	{ .key = "Allow.allow", .type = SETTING_list, AT(allow) },
	{ .key = "Container.system", .type = SETTING_choice, AT(system), .choices = step_systems },
	{ .key = "Filter.keep", .type = SETTING_text, AT(keep) },
	{ .key = "Filter.drop", .type = SETTING_text, AT(drop) },
	{ .key = "Sample.one_of",
	  .type = SETTING_count,
	  AT(one_of),
	  .fallback = "10",
	  .min = 1,
	  .max = 1000000000 },
	{ .key = "Rate.per_second",
	  .type = SETTING_count,
	  AT(per_second),
	  .fallback = "1000",
	  .min = 1,
	  .max = 1000000000 },
	{ .key = "Rate.burst", .type = SETTING_count, AT(burst), .max = 1000000000 },
	{ .key = "Rate.by", .type = SETTING_text, AT(by) },
	{ .key = "Exec.command", .type = SETTING_list, AT(command) },
	{ .key = "Exec.parallel",
	  .type = SETTING_count,
	  AT(parallel),
	  .fallback = "4",
	  .min = 1,
	  .max = 64 },
	{ .key = "Exec.max_waiting",
	  .type = SETTING_count,
	  AT(max_waiting),
	  .fallback = "1000",
	  .max = 100000 },
	{ .key = "Exec.timeout",
	  .type = SETTING_duration,
	  AT(timeout_ns),
	  .scale = NS_PER_S,
	  .fallback = "10s",
	  .min = 10 * NS_PER_MS,
	  .max = 3600 * NS_PER_S },
	{ .key = "pattern.key", .type = SETTING_text, AT(allow) },
	{ .key = "pattern.regex", .type = SETTING_text, AT(keep) },
	{ .key = "pattern.replace_with", .type = SETTING_text, AT(drop) },
};
const size_t step_setting_count = array_count(step_setting_rows);
