/* SPDX-License-Identifier: Apache-2.0 */
/* paths - where the system-container programs keep what they share. With --root DIR each of these
 * is below DIR. */
#ifndef SYSVISOR_COMMON_PATHS_H
#define SYSVISOR_COMMON_PATHS_H

#include "base/error.h"

#define PATHS_RUN	 "/run/sysvisor"
#define PATHS_MGR_SOCKET PATHS_RUN "/mgr.sock"
#define PATHS_FS_SOCKET	 PATHS_RUN "/fs.sock"
#define PATHS_FS_HOLDER	 PATHS_RUN "/fs-holder.sock"
#define PATHS_FS_TRAPS                                                                             \
	PATHS_RUN "/fs-traps.sock"		/* where listeners of trapped calls are handed in */
#define PATHS_FS_STATE	PATHS_RUN "/fs"		/* gone with the machine's next start, */
#define PATHS_MGR_STATE "/var/lib/sysvisor/mgr" /* this is not */
#define PATHS_FS_MOUNT	"/var/lib/sysvisorfs"
#define PATHS_VOLUMES	"/var/lib/sysvisor"
#define PATHS_SUBUID	"/etc/subuid"
#define PATHS_SUBGID	"/etc/subgid"
#define PATHS_PASSWD	"/etc/passwd"
#define PATHS_GROUP	"/etc/group"
#define PATHS_MGR_LOG	"/var/log/sysvisor-mgr.log"
#define PATHS_FS_LOG	"/var/log/sysvisor-fs.log"

/* Docker's own. */
#define PATHS_DOCKER_SETTINGS "/etc/docker/daemon.json"
#define PATHS_DOCKER_PID      "/run/docker.pid"

struct paths_buffer {
	char path[256];
};

/* "DIR/run/sysvisor/mgr.sock"; `root` NULL, "" or "/": the path itself. -ENAMETOOLONG. */
must_check int paths_join(struct paths_buffer *ret_path, const char *root, const char *path,
			  struct error *err);

/* Makes a directory; those above it that are missing are for everybody to pass through, as the
 * system's own are: containers' roots have to reach what is below --root, too. */
must_check int paths_make_directory(const char *path, unsigned int mode, struct error *err);
/* Makes the directory that a file is to be in. */
must_check int paths_make_parent(const char *path, unsigned int mode, struct error *err);

#endif
