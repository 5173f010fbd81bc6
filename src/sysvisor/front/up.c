/* SPDX-License-Identifier: Apache-2.0 */
/* up - both daemons in the foreground, where no systemd does it: in containers, with OpenRC, in
 * tests. One that dies is started again; containers don't notice. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "sysvisor/front/front.h"

#define UP_SOON_NS  (100 * NS_PER_MS)
#define UP_LATER_NS (5 * NS_PER_S)
#define UP_CALM_NS  NS_PER_S /* one that ran so long may come back at once */

struct up_daemon {
	const char *name;
	struct up *up;
	struct loop_child child;
	struct loop_timer again;
	bool running;
	uint64_t started_ns, wait_ns;
};

struct up {
	struct front *front;
	struct loop *loop;
	struct up_daemon daemons[2];
	struct loop_signal on_term, on_int;
	bool ending;
};

static int up_spawn(struct up_daemon *daemon, struct error *err)
{
	struct up *up = daemon->up;
	char path[PATH_MAX];
	const char *root = up->front->root ? up->front->root : "/";
	char *const argv[] = { (char *)(uintptr_t)daemon->name, (char *)"--root",
			       (char *)(uintptr_t)root, NULL };
	posix_spawnattr_t attributes;
	sigset_t none;
	int code = front_find_program(daemon->name, path, err);

	if (code < 0)
		return code;
	/* The loop blocks signals; the child shall have its own way with them. */
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	code = posix_spawn(&daemon->child.pid, path, NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (code)
		return error_errno(err, code, "start '%s'", path);
	daemon->started_ns = clock_mono_ns();
	daemon->running = true;
	log_info("%s is process %d", daemon->name, daemon->child.pid);
	return loop_child_add(up->loop, &daemon->child, err);
}

static void up_end(struct up *up)
{
	bool any = false;

	up->ending = true;
	for (size_t n = 0; n < array_count(up->daemons); n++) {
		loop_timer_clear(&up->daemons[n].again);
		if (!up->daemons[n].running)
			continue;
		any = true;
		kill(up->daemons[n].child.pid, SIGTERM);
	}
	if (!any)
		loop_stop(up->loop);
}

static void up_on_again(struct loop_timer *timer)
{
	struct up_daemon *daemon = container_of(timer, struct up_daemon, again);
	struct error err;

	if (up_spawn(daemon, &err) < 0) {
		log_error("%s", err.text);
		up_end(daemon->up);
	}
}

static void up_on_ended(struct loop_child *child, int status)
{
	struct up_daemon *daemon = container_of(child, struct up_daemon, child);
	struct up *up = daemon->up;

	daemon->running = false;
	if (up->ending) {
		if (!up->daemons[0].running && !up->daemons[1].running)
			loop_stop(up->loop);
		return;
	}
	if (clock_mono_ns() - daemon->started_ns > UP_CALM_NS || !daemon->wait_ns)
		daemon->wait_ns = UP_SOON_NS;
	else
		daemon->wait_ns =
			daemon->wait_ns < UP_LATER_NS / 2 ? daemon->wait_ns * 2 : UP_LATER_NS;
	log_warning("%s ended with %s %d: started again in %llu ms", daemon->name,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		    (unsigned long long)(daemon->wait_ns / NS_PER_MS));
	loop_timer_set(up->loop, &daemon->again, daemon->wait_ns);
}

static void up_on_term(struct loop_signal *watch)
{
	up_end(container_of(watch, struct up, on_term));
}

static void up_on_int(struct loop_signal *watch)
{
	up_end(container_of(watch, struct up, on_int));
}

int front_find_program(const char *name, char path[PATH_MAX], struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n < 0)
		return error_errno(err, errno, "read '/proc/self/exe'");
	while (n > 0 && path[n - 1] != '/')
		n--;
	if ((size_t)n + strlen(name) >= PATH_MAX)
		return error_say(err, ENAMETOOLONG, "the path of '%s' is too long", name);
	slice_copy(slice_of(name), path + n, PATH_MAX - (size_t)n);
	return 0;
}

static int up_start(struct up *up, struct error *err)
{
	static const char *const names[] = { "sysvisor-mgr", "sysvisor-fs" };
	int r = loop_new(&up->loop, err);

	if (r < 0)
		return r;
	up->on_term = (struct loop_signal){ .signo = SIGTERM, .arrived = up_on_term };
	up->on_int = (struct loop_signal){ .signo = SIGINT, .arrived = up_on_int };
	r = loop_signal_add(up->loop, &up->on_term, err);
	if (r == 0)
		r = loop_signal_add(up->loop, &up->on_int, err);
	for (size_t n = 0; n < array_count(names) && r == 0; n++) {
		up->daemons[n] = (struct up_daemon){ .name = names[n], .up = up };
		up->daemons[n].child.ended = up_on_ended;
		up->daemons[n].again.fire = up_on_again;
		r = up_spawn(&up->daemons[n], err);
	}
	return r;
}

int front_up(struct front *front, struct error *err)
{
	static struct up up;
	int r;

	up.front = front;
	r = up_start(&up, err);
	if (r < 0 && up.daemons[0].running) {
		up_end(&up);
		if (loop_run(up.loop, NULL) < 0)
			return FRONT_FAILED;
	}
	if (r == 0)
		r = loop_run(up.loop, err);
	loop_free(up.loop);
	return r < 0 ? FRONT_FAILED : FRONT_OK;
}
