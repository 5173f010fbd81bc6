/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of fanotify's on directories that come and go, with a real group and real directories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "event/metrics.h"
#include "sensor/file_marks.h"

struct world {
	struct event_port port;
	struct process_feed processes;
	struct metrics metrics;
	struct sensor_settings settings;
	struct sensor_env env;
	struct sensor_shared shared;
	struct file_marks *marks;
	struct text told; /* "event path pid", one a line */
	char dir[64];
};

static void world_on_event(struct event_port *port, struct event *event)
{
	struct world *world = container_of(port, struct world, port);
	struct slice path = event_text_of(event, FIELD_file_path);

	if (!path.bytes)
		path = event_text_of(event, FIELD_file_target);
	path = slice_skip(path, strlen(world->dir) + 1);
	text_printf(&world->told, "%s %.*s%s\n", event_kinds[event->kind].name, SLICE_ARG(path),
		    event_has(event, FIELD_pid) ? " by" : "");
}

static bool world_is_under(struct process_feed *feed, uint32_t pid, uint32_t above,
			   uint64_t boot_ns)
{
	(void)feed;
	(void)pid;
	(void)above;
	(void)boot_ns;
	return true;
}

static int world_make(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct error err;

	slice_copy(SLICE("/tmp/file_marks-XXXXXX"), world->dir, sizeof(world->dir));
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(loop_new(&world->env.loop, &err), 0);
	metrics_init(&world->metrics, metric_kinds, METRIC_COUNT);
	world->port.emit = world_on_event;
	world->processes.is_under = world_is_under;
	world->settings.watch.file_paths = world->dir;
	world->settings.watch.file_max_directories = 100;
	world->env.metrics = &world->metrics;
	world->env.out = &world->port;
	world->env.shared = &world->shared;
	world->env.processes = &world->processes;
	world->env.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	world->env.settings = &world->settings;
	world->marks = calloc(1, sizeof(*world->marks));
	*state = world;
	return 0;
}

static int world_end(void **state)
{
	struct world *world = *state;
	char command[128];

	file_marks_stop(world->marks);
	free(world->marks);
	loop_free(world->env.loop);
	metrics_done(&world->metrics);
	close(world->env.proc_fd);
	text_done(&world->told);
	snprintf(command, sizeof(command), "rm -r '%s'", world->dir);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

static void world_start_as(struct world *world, enum fanotify_grade grade)
{
	struct error err;
	int r = file_marks_start(world->marks, &world->env, grade, &err);

	if (r == -EPERM || r == -ENOTSUP) {
		print_message("skip: %s\n", err.text);
		skip();
	}
	if (r < 0)
		fail_msg("%s", err.text);
}

static void world_start(struct world *world)
{
	world_start_as(world, FANOTIFY_whole);
}

/* Another process does it, since the agent's own deeds are not told. */
static void world_do(struct world *world, const char *command)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (chdir(world->dir) == 0)
			execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void world_turn(struct world *world)
{
	for (int n = 0; n < 5; n++)
		assert_int_equal(loop_turn(world->env.loop, 20, NULL), 0);
}

static void what_was_made_before_the_mark_is_told_without_its_maker(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_do(world, "mkdir -p a/b; ln -s x a/b/link; : >a/b/file; ln a/b/file a/b/other");
	world_turn(world);
	assert_non_null(strstr(text_str(&world->told), "file.mkdir a by\n"));
	assert_non_null(strstr(text_str(&world->told), "file.mkdir a/b\n"));
	assert_non_null(strstr(text_str(&world->told), "file.symlink a/b/link\n"));
	assert_non_null(strstr(text_str(&world->told), "file.link a/b/file\n"));
	text_clear(&world->told);
	/* And never twice. */
	world_do(world, "mkdir c");
	world_turn(world);
	world_do(world, "mkdir c/d; chmod 700 c/d");
	world_turn(world);
	assert_non_null(strstr(text_str(&world->told), "file.mkdir c/d by\n"));
	assert_null(strstr(text_str(&world->told), "file.mkdir c/d\n"));
}

/* It is in the directory when that is read, and its record is still to come. */
static void what_a_record_tells_is_not_found(void **state)
{
	struct world *world = *state;
	struct file_node *node;
	struct fanotify_key key;
	char path[128];

	world_do(world, "mkdir c; : >c/alone");
	world_start(world);
	snprintf(path, sizeof(path), "%s/c", world->dir);
	auto_fd int dir_fd = open(path, O_PATH | O_CLOEXEC);
	assert_int_equal(fanotify_identify(dir_fd, &key), 0);
	node = file_tree_find(&world->marks->tree, (struct slice){ key.at, key.bytes });
	assert_non_null(node);
	world_do(world, ": >c/file");
	auto_fd int fd = openat(dir_fd, "file", O_PATH | O_CLOEXEC);
	assert_int_equal(fanotify_identify(fd, &key), 0);
	file_notices_find(&world->marks->notices, node, SLICE("file"), &key);
	file_notices_find(&world->marks->notices, node, SLICE("alone"), &key);
	world_turn(world);
	assert_non_null(strstr(text_str(&world->told), "file.open c/file by\n"));
	assert_null(strstr(text_str(&world->told), "file.change c/file\n"));
	assert_non_null(strstr(text_str(&world->told), "file.change c/alone\n"));
}

static void what_is_found_is_not_told_where_it_is_asked_who(void **state)
{
	struct world *world = *state;

	world->settings.only_under = 1;
	world_start(world);
	world_do(world, "mkdir -p a/b");
	world_turn(world);
	assert_non_null(strstr(text_str(&world->told), "file.mkdir a by\n"));
	assert_null(strstr(text_str(&world->told), "a/b"));
}

static void directories_that_go_leave_the_tree(void **state)
{
	struct world *world = *state;
	size_t before;

	world_do(world, "mkdir -p a/b/c d");
	world_start(world);
	before = world->marks->tree.by_key.count;
	world_do(world, "rm -r a");
	world_turn(world);
	assert_int_equal(world->marks->tree.by_key.count, before - 3);
	world_do(world, "mkdir -p e/f/g; mv e d/h");
	world_turn(world);
	assert_int_equal(world->marks->tree.by_key.count, before);
	world_do(world, "mkdir ../$$; mv d/h ../$$; rm -r ../$$");
	world_turn(world);
	assert_int_equal(world->marks->tree.by_key.count, before - 3);
	/* What is looked at once more is neither doubled nor lost. */
	file_tree_again(&world->marks->tree);
	while (file_tree_read(&world->marks->tree, 1000000))
		;
	assert_int_equal(world->marks->tree.by_key.count, before - 3);
}

/* A name that two directories swap, and a directory in the place of another. */
static void places_are_swapped(void **state)
{
	struct world *world = *state;
	size_t before;

	world_do(world, "mkdir -p a/in b/on");
	world_start(world);
	world_do(world, "mv --exchange a b 2>/dev/null || { mv a t; mv b a; mv t b; }; mkdir c");
	world_turn(world);
	before = world->marks->tree.by_key.count;
	world_do(world, "mv -T c b/new; mkdir d; mv -T d b/new");
	world_turn(world);
	assert_int_equal(world->marks->tree.by_key.count, before);
	text_clear(&world->told);
	world_do(world, ": >a/on/x; : >b/in/y; : >b/new/z");
	world_turn(world);
	assert_non_null(strstr(text_str(&world->told), "file.open a/on/x by\n"));
	assert_non_null(strstr(text_str(&world->told), "file.open b/in/y by\n"));
	assert_non_null(strstr(text_str(&world->told), "file.open b/new/z by\n"));
}

/* Kernels before 5.17 don't say what was renamed, nor where to. */
static void renames_in_halves_are_followed(void **state)
{
	struct world *world = *state;
	size_t before;

	world_do(world, "mkdir -p a/in b; : >b/file");
	world_start_as(world, FANOTIFY_halves);
	before = world->marks->tree.by_key.count;
	world_do(world, "mv a b/c; mv b/file b/other");
	world_turn(world);
	assert_int_equal(world->marks->tree.by_key.count, before);
	assert_non_null(strstr(text_str(&world->told), "file.rename a by\n"));
	assert_non_null(strstr(text_str(&world->told), "file.rename b/c by\n"));
	assert_non_null(strstr(text_str(&world->told), "file.rename b/other by\n"));
	text_clear(&world->told);
	world_do(world, ": >b/c/in/x");
	world_turn(world);
	assert_non_null(strstr(text_str(&world->told), "file.open b/c/in/x by\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_made_before_the_mark_is_told_without_its_maker, world_make,
			world_end),
		cmocka_unit_test_setup_teardown(what_a_record_tells_is_not_found, world_make,
						world_end),
		cmocka_unit_test_setup_teardown(what_is_found_is_not_told_where_it_is_asked_who,
						world_make, world_end),
		cmocka_unit_test_setup_teardown(directories_that_go_leave_the_tree, world_make,
						world_end),
		cmocka_unit_test_setup_teardown(places_are_swapped, world_make, world_end),
		cmocka_unit_test_setup_teardown(renames_in_halves_are_followed, world_make,
						world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
