/* SPDX-License-Identifier: Apache-2.0 */
/* config_part - a part of the settings file while it is read: for the files that read pipelines. */
#ifndef PIPELINE_CONFIG_PART_H
#define PIPELINE_CONFIG_PART_H

#include "base/settings_file.h"
#include "base/toml.h"
#include "pipeline/config.h"
#include "pipeline/probe.h"

struct config_part {
	const struct settings_file *file;
	struct pipelines_config *config;
	struct pipeline_config *pipeline; /* NULL: a probe */
	struct text at;			  /* "pipeline.NAME.steps.0" */
	struct error *err;
};

/* "FILE:LINE:COLUMN: words"; `key` below the part, NULL: the part itself. */
#define config_say(part, key, fmt, ...)                                                            \
	error_say((part)->err, EINVAL, "%s:%s: " fmt, (part)->file->name, config_place(part, key), \
		  ##__VA_ARGS__)
const char *config_place(struct config_part *part, const char *key);

/* Finds what is named like the word, for "did you mean"; NULL: nothing is. */
const char *config_nearest(struct slice word, const char *(*name)(size_t n), size_t count);
/* Says that a word is not known, and the nearest one unless NULL. -EINVAL. */
int config_unknown(struct config_part *part, const char *key, const char *what, const char *word,
		   const char *nearest);

/* Takes a text out of a table; -EINVAL when it isn't there. */
must_check int config_take_text(struct config_part *part, json_t *table, const char *key,
				char **ret_text);
/* Reads what is left of a table by rows. */
must_check int config_read_rows(struct config_part *part, struct settings *settings,
				const char *prefix, json_t *table);

/* [[pipeline.NAME.steps]]; [pipeline.NAME.config]. */
must_check int config_read_steps(struct config_part *part, json_t *list);
must_check int config_read_backend(struct config_part *part, json_t *table);
void config_step_done(struct step_config *step);

/* [[probe]]. */
must_check int config_read_probes(struct config_part *part, json_t *list);
void config_queries_done(struct pipelines_config *config);

#endif
