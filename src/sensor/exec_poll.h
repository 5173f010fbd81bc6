/* SPDX-License-Identifier: Apache-2.0 */
/* exec_poll - processes by reading /proc again and again, where BPF is refused. */
#ifndef SENSOR_EXEC_POLL_H
#define SENSOR_EXEC_POLL_H

#include "base/map.h"
#include "sensor/sensor.h"

struct exec_poll {
	const struct sensor_env *env;
	void (*record)(void *owner, const struct ring_head *head);
	struct loop_timer timer;
	struct map seen; /* struct exec_seen, by pid */
	uint32_t round;
};

/* Reads /proc at once (nothing is reported of what is there already), then every
 * env->settings->poll_ns. `record` is called with the env as owner. */
must_check int exec_poll_start(struct exec_poll *poll, const struct sensor_env *env,
			       void (*record)(void *owner, const struct ring_head *head),
			       struct error *err);
void exec_poll_stop(struct exec_poll *poll);

#endif
