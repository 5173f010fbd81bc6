/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/trapped.h"

#include <fcntl.h>

#include "base/auto.h"

#define NONE	      TRAPPED_NONE
#define FILE_AT(d, p) .dir_arg = d, .path_arg = p, .flags_arg = NONE
#define CHOWN	      .kind = TRAPPED_chown, .when = TRAPPED_if_chown

/* clang-format off */
const struct trapped_row trapped_rows[] = {
	{ "mount", TRAPPED_mount, FILE_AT(NONE, 1) },
	{ "umount", TRAPPED_umount, FILE_AT(NONE, 0) }, /* of 32-bit programs: without flags */
	{ "umount2", TRAPPED_umount, FILE_AT(NONE, 0) },
	{ "move_mount", TRAPPED_move_mount, FILE_AT(2, 3) },
	{ "openat2", TRAPPED_openat2, FILE_AT(0, 1) },
	{ "sysinfo", TRAPPED_sysinfo, TRAPPED_if_sysinfo, FILE_AT(NONE, NONE) },
	{ "chown", CHOWN, FILE_AT(NONE, 0) },
	{ "chown32", CHOWN, FILE_AT(NONE, 0) },
	{ "lchown", CHOWN, FILE_AT(NONE, 0), .at_flags = AT_SYMLINK_NOFOLLOW },
	{ "lchown32", CHOWN, FILE_AT(NONE, 0), .at_flags = AT_SYMLINK_NOFOLLOW },
	{ "fchown", CHOWN, FILE_AT(0, NONE) },
	{ "fchown32", CHOWN, FILE_AT(0, NONE) },
	{ "fchownat", CHOWN, .dir_arg = 0, .path_arg = 1, .flags_arg = 4 },
};
/* clang-format on */

const size_t trapped_count = array_count(trapped_rows);
