/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor.h"

#include <errno.h>

bool sensor_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void sensor_clear(struct sensor *sensor)
{
	sensor->kind->stop(sensor);
	memset(sensor->state, 0, sensor->kind->state_bytes);
}

int sensor_start(struct sensor *sensor, const struct sensor_kind *kind,
		 const struct sensor_env *env, struct error *err)
{
	*sensor = (struct sensor){ .kind = kind, .env = env };
	sensor->state = calloc(1, kind->state_bytes);
	if (!sensor->state)
		return error_errno(err, ENOMEM, "start sensor '%s'", kind->name);
	for (size_t n = 0; n < kind->mechanism_count; n++) {
		const struct sensor_mechanism *mechanism = &kind->mechanisms[n];
		struct error why;
		int r = mechanism->start(sensor, &why);

		if (r == 0) {
			sensor->taken = mechanism;
			break;
		}
		sensor_clear(sensor);
		if (r == -ENODATA) {
			text_printf(&sensor->refused, "%s\n", why.text);
			break;
		}
		text_printf(&sensor->refused, "%s: %s\n", mechanism->name, why.text);
	}
	return 0;
}

void sensor_decline(struct sensor *sensor, const struct sensor_kind *kind, const char *why)
{
	*sensor = (struct sensor){ .kind = kind };
	text_printf(&sensor->refused, "%s\n", why);
}

void sensor_stop(struct sensor *sensor)
{
	if (sensor->state)
		sensor->kind->stop(sensor);
	free(sensor->state);
	text_done(&sensor->refused);
	*sensor = (struct sensor){ 0 };
}
