/* SPDX-License-Identifier: Apache-2.0 */
/* Settings files with probes and pipelines: refused with a place, or read and freed. */
#include "agent/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct settings_table table;
	static struct agent_settings values;
	struct settings settings;
	struct error err = { 0 };
	int r;

	if (!table.rows)
		table = agent_settings_table("ingraind", PROGRAM_ingraind);
	memset(&values, 0, sizeof(values));
	values.pipelines.table = table;
	values.pipelines.values_bytes = sizeof(values);
	values.pipelines.sinks_at = offsetof(struct agent_settings, sinks);
	if (settings_init(&settings, &table, &values, &err) < 0)
		abort();
	settings.read_other = pipelines_read;
	settings.owner = &values.pipelines;
	r = settings_read_text(&settings, (struct slice){ (const char *)data, bytes }, "f.toml",
			       &err);
	if (r == 0)
		r = agent_settings_finish(&settings, &values, &err);
	if (r < 0 && !err.text[0])
		abort();
	pipelines_config_done(&values.pipelines);
	settings_done(&settings);
	return 0;
}
