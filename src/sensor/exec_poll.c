/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/exec_poll.h"

#include "base/clock.h"
#include "kernel/procfs.h"

/* What was there at the last look. */
struct exec_seen {
	uint32_t pid, round;
	bool wanted;
	struct ring_head head; /* as it was told */
	char path[RING_PATH_BYTES];
};

static struct slice exec_seen_key(const void *item)
{
	const struct exec_seen *seen = item;

	return (struct slice){ (const char *)&seen->pid, sizeof(seen->pid) };
}

static void exec_poll_tell_exit(struct exec_poll *poll, const struct exec_seen *seen)
{
	struct ring_exit record = { .head = seen->head, .exit_code = RING_EXIT_UNKNOWN };

	if (!seen->wanted)
		return;
	record.head.type = RING_exit;
	record.head.bytes = sizeof(record);
	record.head.boot_ns = clock_boot_ns();
	poll->record((void *)poll->env, &record.head);
}

static bool exec_poll_wants(const struct exec_poll *poll, uint32_t pid)
{
	uint32_t only = poll->env->settings->only_under;
	struct procfs_stat stat;

	if (pid == (uint32_t)getpid())
		return false;
	if (only == 0)
		return true;
	for (int depth = 0; depth < 24 && pid > 1; depth++) {
		if (pid == only)
			return true;
		if (procfs_stat(poll->env->proc_fd, pid, &stat) < 0)
			return false;
		pid = stat.ppid;
	}
	return false;
}

/* A process that was not there, or has turned into another program since. */
static void exec_poll_tell_exec(struct exec_poll *poll, struct exec_seen *seen, uint32_t pid,
				bool quiet)
{
	struct ring_exec record;

	if (procfs_describe(poll->env->proc_fd, pid, poll->env->hierarchy, &record) < 0)
		return;
	seen->head = record.head;
	memcpy(seen->path, record.path, sizeof(seen->path));
	seen->wanted = exec_poll_wants(poll, pid);
	if (!quiet && seen->wanted)
		poll->record((void *)poll->env, &record.head);
}

static struct exec_seen *exec_poll_add(struct exec_poll *poll, uint32_t pid)
{
	struct exec_seen *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return NULL;
	seen->pid = pid;
	if (map_put(&poll->seen, seen, NULL) < 0) {
		free(seen);
		return NULL;
	}
	return seen;
}

static void exec_poll_found(void *owner, uint32_t pid)
{
	struct exec_poll *poll = owner;
	struct slice key = { (const char *)&pid, sizeof(pid) };
	struct exec_seen *seen = map_get(&poll->seen, key);
	char path[RING_PATH_BYTES] = "";
	struct procfs_stat stat;

	if (procfs_stat(poll->env->proc_fd, pid, &stat) < 0 || stat.state == 'Z')
		return;
	if (seen && procfs_ticks(seen->head.start_ns) != stat.start_ticks) {
		exec_poll_tell_exit(poll, seen);
		seen->path[0] = '\0';
		seen->head.start_ns = 0;
	}
	if (!seen)
		seen = exec_poll_add(poll, pid);
	if (!seen)
		return; /* no memory: found again in the next round */
	seen->round = poll->round;
	if (procfs_exe(poll->env->proc_fd, pid, path, sizeof(path)) < 0)
		path[0] = '\0';
	if (seen->head.start_ns == 0 || strcmp(path, seen->path) != 0)
		exec_poll_tell_exec(poll, seen, pid, poll->round == 1);
}

/* Those that the last round did not find. */
static void exec_poll_sweep(struct exec_poll *poll)
{
	struct exec_seen *gone[64], *seen;
	size_t count;

	do {
		count = 0;
		map_each(&poll->seen, seen) {
			if (seen->round != poll->round && count < array_count(gone))
				gone[count++] = seen;
		}
		for (size_t n = 0; n < count; n++) {
			map_take(&poll->seen, exec_seen_key(gone[n]));
			exec_poll_tell_exit(poll, gone[n]);
			free(gone[n]);
		}
	} while (count == array_count(gone));
}

static int exec_poll_round(struct exec_poll *poll, struct error *err)
{
	int r;

	poll->round++;
	r = procfs_each(poll->env->proc_fd, exec_poll_found, poll, err);
	if (r < 0)
		return r;
	exec_poll_sweep(poll);
	return 0;
}

static void exec_poll_on_timer(struct loop_timer *timer)
{
	struct exec_poll *poll = container_of(timer, struct exec_poll, timer);

	/* A round that fails leaves what was seen as it is; the next one makes up for it. */
	if (exec_poll_round(poll, NULL) < 0)
		poll->round--;
	loop_timer_set(poll->env->loop, &poll->timer, poll->env->settings->poll_ns);
}

int exec_poll_start(struct exec_poll *poll, const struct sensor_env *env,
		    void (*record)(void *owner, const struct ring_head *head), struct error *err)
{
	poll->env = env;
	poll->record = record;
	poll->timer.fire = exec_poll_on_timer;
	map_init(&poll->seen, exec_seen_key);
	loop_timer_set(env->loop, &poll->timer, env->settings->poll_ns);
	return exec_poll_round(poll, err);
}

void exec_poll_stop(struct exec_poll *poll)
{
	struct exec_seen *seen;

	if (!poll->env)
		return;
	loop_timer_clear(&poll->timer);
	map_each(&poll->seen, seen) {
		free(seen);
	}
	map_done(&poll->seen);
}
