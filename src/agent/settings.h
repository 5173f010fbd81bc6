/* SPDX-License-Identifier: Apache-2.0 */
/* settings - all that a user can set about an agent: one struct, one table, for every program. */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "base/settings.h"
#include "detect/settings.h"
#include "pipeline/config.h"
#include "sensor/sensor.h"
#include "sink/settings.h"

/* Programs, as bits: who has a setting. */
enum { PROGRAM_bulwark = 1, PROGRAM_polytect = 2, PROGRAM_ingraind = 4 };

struct agent_settings {
	char *config_file;
	uint64_t verbosity;
	bool log_json;
	char *hostname, *node_id;
	char *proc_root;
	uint64_t run_ns; /* end after so long; 0 = run on */
	char *source;	 /* a saved log instead of the live one; NULL: live */
	bool allow_second;
	uint64_t only_under;
	uint64_t ring_bytes, poll_ns;
	bool old_records;
	uint64_t processes, containers;
	uint64_t park_ns, drain_ns;
	char *container_sockets;
	char *listen;
	struct watch_settings watch;
	struct scope_settings scope;
	char *packet_cgroup;
	char *file_paths, *file_exclude;
	struct kernel_settings kernel;
	struct detect_settings detect;
	struct sink_settings sinks;
	struct pipelines_config pipelines;
};

/* All rows, of all parts below, as one table. */
struct settings_table agent_settings_table(const char *program, unsigned int program_bit);

/* --- the parts --- */

extern const struct setting agent_setting_rows[];
extern const size_t agent_setting_count;
extern const struct setting_alias agent_setting_aliases[];
extern const size_t agent_alias_count;

extern const struct setting agent_sink_rows[]; /* settings_sinks.c */
extern const size_t agent_sink_count;

/* What no single row can tell: fills what follows from others, and refuses settings that contradict
 * each other or lack a partner. */
must_check int agent_settings_finish(const struct settings *settings, struct agent_settings *values,
				     struct error *err);

/* Whether a sensor of this name has anything to do; that its switch is on is the sensor's to see.
 */
bool agent_settings_want_sensor(const struct agent_settings *values, const char *name);

/* Whether its switch is on; true for one that has none. */
bool agent_settings_switch(const struct agent_settings *values, const char *name);

/* The defaults of an agent that only looks which sensors would start. */
void agent_settings_for_check(struct agent_settings *values);

#endif
