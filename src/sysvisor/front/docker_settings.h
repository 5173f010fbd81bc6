/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_settings - Docker's daemon.json with our runtime in it, and without. All else stays as it
 * was written, byte for byte: taking away what was added gives the text that was there before.
 *
 * The file: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
 */
#ifndef SYSVISOR_FRONT_DOCKER_SETTINGS_H
#define SYSVISOR_FRONT_DOCKER_SETTINGS_H

#include "base/error.h"
#include "base/text.h"

#define DOCKER_RUNTIME "sysvisor-runc"

/* Both change what dockerd's file says ("": there is none) of the runtime at `program`, a path.
 * Return 1: `after` is what it is to say, and 0: it says so already.
 * -EEXIST: a runtime of our name is another program. -EINVAL: it can't be Docker's; the words begin
 * with the place. */
must_check int docker_settings_add(struct slice before, const char *program, struct text *after,
				   struct error *err);

/* Where docker_settings_add() made the whole of it, `after` stays empty: there is to be no file.
 * Docker's default runtime, if that was ours, goes along: a dockerd with one that it doesn't know
 * won't start. */
must_check int docker_settings_remove(struct slice before, const char *program, struct text *after,
				      struct error *err);

#endif
