/* SPDX-License-Identifier: Apache-2.0 */
/* record - what sysvisor-mgr knows of a container, and its line in the journal. Pure. */
#ifndef SYSVISOR_MGR_RECORD_H
#define SYSVISOR_MGR_RECORD_H

#include "base/error.h"
#include "base/list.h"
#include "base/text.h"
#include "sysvisor/common/ids.h"
#include "sysvisor/mgr/volume.h"

enum record_state { RECORD_registered, RECORD_running, RECORD_stopped, RECORD_STATE_COUNT };

extern const char *const record_state_names[RECORD_STATE_COUNT];

struct record {
	char *id, *bundle, *rootfs, *storage; /* texts are never NULL */
	enum record_state state;
	struct ids_range ids; /* of users and groups */
	bool exclusive;	      /* ours; otherwise the engine's, or another container's */
	uint32_t init_pid;
	uint64_t user_namespace, network_namespace; /* inode numbers */
	uint64_t created_ms;
	char *destinations[VOLUME_COUNT]; /* NULL: the table's; "": not wanted */
	int watch;			  /* inotify's, or -1 */
};

#define RECORD_ID_BYTES	  255
#define RECORD_TEXT_COUNT 4

/* The n-th text of a record, and what the journal calls it; the first is the id. */
char **record_text(const struct record *record, size_t n, const char **ret_key);

/* What an OCI runtime accepts, and a file may be called. */
bool record_id_is_valid(const char *id);

struct record *record_new(const char *id);
void record_free(struct record *record);

/* Appends a JSON object and a line end. */
void record_put(const struct record *record, struct text *out);
/* The line that a container is gone. */
void record_put_gone(const char *id, struct text *out);

/* Reads such a line. `gone` says which of the two it is. -EBADMSG: it is none. */
must_check int record_parse(struct slice line, struct record **ret_record, bool *gone);

#endif
