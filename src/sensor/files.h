/* SPDX-License-Identifier: Apache-2.0 */
/* files - the sensor of watched files: what its BPF object needs to be told (sensor/program_table).
 */
#ifndef SENSOR_FILES_H
#define SENSOR_FILES_H

#include "sensor/sensor.h"

struct files_bpf;

/* Tells the loaded object what is watched, as the settings have it. */
must_check int files_arm(struct files_bpf *bpf, const struct sensor_env *env, struct error *err);

#endif
