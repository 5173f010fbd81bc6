/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state - what the runtime remembers of a container between its calls: ROOT/ID/state.json.
 *
 * The directory is there from `create` to `delete`; who changes a container holds a lock on it.
 * Readers take none: the file is replaced as a whole.
 */
#ifndef SYSVISOR_RUNC_STATE_H
#define SYSVISOR_RUNC_STATE_H

#include "base/text.h"
#include "sysvisor/runc/spec.h"

#define STATE_START_SOCKET "start.sock"
#define STATE_FILTER	   "filter" /* see filter.h */
#define STATE_TRAPS	   "traps"  /* likewise */

struct state {
	const char *version, *id, *bundle, *rootfs, *storage, *created, *cgroup;
	const char *scope;	 /* the unit of systemd's that the group is; or NULL */
	const char *personality; /* linux.personality.domain; "": none */
	const char *listener_path, *listener_metadata; /* linux.seccomp's; "": none */
	struct spec_number pid, start_ticks, owner;
	struct spec_list uid_map, gid_map; /* id_range */
	struct spec_list annotations;	   /* spec_pair */
	struct spec_hooks hooks;	   /* those that are run later: only read back */
	bool honor_caps, plain, services;
	bool systemd; /* its first process is one */

	struct json_t *json; /* jansson's */
	struct arena arena;
};

enum state_status {
	STATE_creating,
	STATE_created,
	STATE_running,
	STATE_paused,
	STATE_stopped,
};

/* "web-1": letters, digits and _ + - . */
must_check int state_check_id(const char *id, struct error *err);

/* Makes ROOT/ID and locks it; -EEXIST. Returns its fd. */
must_check int state_make(const char *root, const char *id, struct error *err);
/* Opens and locks it (waits for who holds it); "does not exist" when it isn't there. */
must_check int state_open(const char *root, const char *id, struct error *err);
/* Removes the directory with all that is in it. */
must_check int state_remove(const char *root, const char *id, int dir_fd, struct error *err);

must_check int state_save(int dir_fd, const struct state *state, const struct spec *spec,
			  struct error *err);
/* What state_save() writes. */
void state_write(const struct state *state, const struct spec *spec, struct text *out);
must_check int state_load(const char *root, const char *id, struct state *ret_state,
			  struct error *err);
void state_done(struct state *state);

/* How it stands with the first process now. */
enum state_status state_status(const char *root, const struct state *state);
const char *state_status_name(enum state_status status);
/* Whether the first process is still that which we started; zombies are not. */
bool state_is_alive(const struct state *state);
/* A pidfd of the first process; -ESRCH when it has ended. */
must_check int state_pidfd(const struct state *state, struct error *err);

/* The OCI state: what `state` prints and hooks get. */
void state_print(const struct state *state, enum state_status status, struct text *out);

#endif
