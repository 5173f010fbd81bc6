/* SPDX-License-Identifier: Apache-2.0 */
/* Trapped calls: what is read of who has made one, and of what is mounted where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sysvisor/fs/trap_call.h"
#include "sysvisor/fs/traps_slot.h"

#define STATUS                                                                                     \
	"Name:\tx\nUmask:\t0022\nState:\tS\nTgid:\t46\nNgid:\t0\nPid:\t47\nUid:\t400000\t400001"   \
	"\t400002\t400003\nGid:\t5\t6\t7\t8\nFDSize:\t64\nGroups:\t400004 400005 \nNStgid:\t46\n"  \
	"CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\n"

static void test_caller(void **unused)
{
	struct trap_caller caller = { 0 };

	(void)unused;
	assert_true(trap_caller_parse(SLICE(STATUS), &caller));
	assert_int_equal(caller.tgid, 46);
	assert_int_equal(caller.uids[0], 400000);
	assert_int_equal(caller.uids[3], 400003);
	assert_int_equal(caller.gids[2], 7);
	assert_int_equal(caller.group_count, 2);
	assert_int_equal(caller.groups[1], 400005);
	assert_true(caller.caps.permitted == 0x1ffffffffff);
	assert_true(caller.caps.effective == 0x400);
	assert_true(caller.caps.inheritable == 1);
	free(caller.groups);
	caller = (struct trap_caller){ 0 };
	assert_false(trap_caller_parse(SLICE("Name:\tx\nTgid:\t46\n"), &caller));
	free(caller.groups);
}

/* As in a container: 0:46 is ours. */
#define ROOT "114 90 0:50 / / rw - overlay overlay rw\n"
#define PROC "119 114 0:52 / /proc rw,nosuid - proc none rw\n"
#define OURS                                                                                       \
	"120 119 0:46 /c/proc/sys /proc/sys rw shared:3 master:1 - fuse sysvisor-fs rw\n"          \
	"121 119 0:46 /c/proc/stat /proc/stat ro - fuse sysvisor-fs rw\n"
#define MASK "130 119 0:60 / /proc/acpi ro - tmpfs tmpfs ro\n"
#define SYS  "140 114 0:53 / /sys rw - sysfs s rw\n"
#define GROUPS                                                                                     \
	"141 140 0:54 / /sys/fs/cgroup rw - cgroup2 c rw\n"                                        \
	"142 140 0:46 /c/x /sys/kernel/debug ro - fuse sysvisor-fs rw\n"

static void test_mounts(void **unused)
{
	struct slice text = SLICE("nonsense\n" ROOT OURS);
	struct trap_mount mount;

	(void)unused;
	assert_true(trap_next_mount(&text, &mount));
	assert_int_equal(mount.id, 114);
	assert_true(slice_is(mount.type, "overlay"));
	assert_true(trap_next_mount(&text, &mount));
	assert_int_equal(mount.parent, 119);
	assert_true(mount.device == makedev(0, 46));
	assert_true(slice_is(mount.root, "/c/proc/sys"));
	assert_true(slice_is(mount.point, "/proc/sys"));
	assert_true(slice_is(mount.type, "fuse"));
	assert_true(trap_next_mount(&text, &mount));
	assert_false(trap_next_mount(&text, &mount));
}

static void test_visible(void **unused)
{
	const dev_t ours = makedev(0, 46);

	(void)unused;
	assert_true(trap_is_visible(SLICE(ROOT PROC), "proc", ours));
	assert_true(trap_is_visible(SLICE(ROOT PROC OURS), "proc", ours));
	/* What somebody else has hidden stays hidden. */
	assert_false(trap_is_visible(SLICE(ROOT PROC OURS MASK), "proc", ours));
	assert_false(trap_is_visible(SLICE(ROOT PROC OURS), "proc", makedev(0, 47)));
	assert_false(trap_is_visible(SLICE(ROOT), "proc", ours));
	/* A part of one is not the whole. */
	assert_false(
		trap_is_visible(SLICE("119 114 0:52 /sys /x rw - proc none rw\n"), "proc", ours));
	assert_true(trap_is_visible(SLICE(ROOT SYS GROUPS), "sysfs", ours));
	assert_false(trap_is_visible(SLICE(ROOT SYS GROUPS "143 140 0:60 / /sys/firmware ro - tmpfs t ro\n"), "sysfs", ours));
}

/* Has another process begin with a call, and waits until it has died of that. */
static bool begin_and_die(const struct traps_slots *slots, struct traps_slot *slot)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(traps_slot_begin(slots, slot) ? 1 : 0);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 1;
}

/* A call is begun once, whoever has been given it, and what a dead one has begun is nobody's. */
static void test_slots(void **unused)
{
	char path[] = "/tmp/test-trap-XXXXXX";
	struct traps_slots slots;
	struct traps_slot *slot, *other;
	struct error err = { 0 };

	(void)unused;
	close(mkstemp(path));
	assert_int_equal(traps_slots_open(&slots, path, &err), 0);
	unlink(path);
	slot = traps_slot_take(&slots, 7);
	other = traps_slot_take(&slots, 8);
	assert_ptr_not_equal(slot, other);
	assert_int_equal(atomic_load(&slot->state), TRAPS_received);
	assert_true(traps_slot_begin(&slots, slot));
	assert_false(begin_and_die(&slots, other + 1)); /* nothing was received into it */
	traps_slot_end(&slots, slot);
	assert_int_equal(atomic_load(&slot->state), TRAPS_free);
	assert_false(traps_slot_begin(&slots, slot));

	/* The lock of the end is gone: another process doesn't wait for us. */
	assert_ptr_equal(traps_slot_take(&slots, 9), slot);
	assert_true(begin_and_die(&slots, slot));
	assert_int_equal(atomic_load(&slot->state), TRAPS_begun);
	assert_false(traps_slot_has_owner(&slots, slot));
	assert_false(begin_and_die(&slots, slot));
	traps_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
