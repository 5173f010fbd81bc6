/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/process.h"

#include <errno.h>
#include <malloc.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/procfs.h"
#include "kernel/record.h"

#define LINEAGE_BYTES  256 /* parents further up are left out */
#define THREADS_KEPT   4096
#define ASK_AGAIN_MS   100 /* where /proc is asked: not again for events that come so soon after */
#define PROCESS_NEAR_S 2   /* clocks of the log and of processes may differ by so much */
#define RETURN_BYTES   (1 << 20) /* so much less in use: it goes back to the kernel */

struct process_thread {
	uint32_t tid, pid;
	uint64_t boot_ns;
	struct list node;
};

static struct slice process_key(const void *item)
{
	const struct process *process = item;

	return (struct slice){ (const char *)&process->pid, sizeof(process->pid) };
}

static struct slice process_thread_key(const void *item)
{
	const struct process_thread *thread = item;

	return (struct slice){ (const char *)&thread->tid, sizeof(thread->tid) };
}

static struct slice process_pid_key(const uint32_t *pid)
{
	return (struct slice){ (const char *)pid, sizeof(*pid) };
}

void processes_init(struct processes *processes, int proc_fd, enum ring_hierarchy hierarchy,
		    size_t limit)
{
	*processes =
		(struct processes){ .limit = limit, .proc_fd = proc_fd, .hierarchy = hierarchy };
	map_init(&processes->by_pid, process_key);
	map_init(&processes->threads, process_thread_key);
	list_init(&processes->running);
	list_init(&processes->ended);
	list_init(&processes->threads_by_age);
}

/* --- texts --- */

/* What malloc(3) takes for so many bytes. */
static size_t process_cost(size_t bytes)
{
	return (bytes + sizeof(size_t) + 15) & ~(size_t)15;
}

/* With room for so many bytes; what isn't used of it process_text_fit() gives back. NULL when
 * memory is out. */
static struct process_text *process_text_new(size_t room)
{
	struct process_text *text = malloc(sizeof(*text) + room + 1);

	if (text)
		*text = (struct process_text){ .refs = 1 };
	return text;
}

static struct process_text *process_text_fit(struct processes *processes, struct process_text *text,
					     size_t bytes)
{
	struct process_text *smaller;

	text->bytes = (uint32_t)bytes;
	text->at[bytes] = '\0';
	smaller = realloc(text, sizeof(*text) + bytes + 1);
	if (smaller)
		text = smaller;
	processes->bytes += process_cost(sizeof(*text) + bytes + 1);
	return text;
}

static struct process_text *process_text_ref(struct process_text *text)
{
	if (text)
		text->refs++;
	return text;
}

static void process_text_unref(struct processes *processes, struct process_text **text)
{
	struct process_text *old = take_ptr(*text);

	if (!old || --old->refs)
		return;
	processes->bytes -= process_cost(sizeof(*old) + old->bytes + 1);
	free(old);
}

/* --- parents --- */

/* "comm[pid]", then the parents of that one, as far as they fit. */
static struct process_text *lineage_new(struct processes *processes, const struct process *parent)
{
	struct process_text *lineage = process_text_new(LINEAGE_BYTES);
	struct slice above = { NULL, 0 };
	size_t bytes;

	if (!lineage)
		return NULL;
	if (parent->lineage)
		above = (struct slice){ parent->lineage->at, parent->lineage->bytes };
	bytes = (size_t)snprintf(lineage->at, LINEAGE_BYTES, "%s[%u]", parent->comm, parent->pid);
	if (above.bytes && bytes + 3 + above.bytes < LINEAGE_BYTES) {
		memcpy(lineage->at + bytes, " < ", 3);
		memcpy(lineage->at + bytes + 3, above.at, above.bytes);
		bytes += 3 + above.bytes;
	}
	return process_text_fit(processes, lineage, bytes);
}

static struct process_text *lineage_of_child(struct processes *processes, struct process *parent)
{
	if (!parent)
		return NULL;
	if (!parent->children_lineage)
		parent->children_lineage = lineage_new(processes, parent);
	return process_text_ref(parent->children_lineage);
}

/* --- the table --- */

/* With its places in the map, which is half full on average. */
#define PROCESS_OWN_BYTES (process_cost(sizeof(struct process)) + 2 * sizeof(struct map_slot))

static void process_free(struct processes *processes, struct process *process)
{
	process_text_unref(processes, &process->exe);
	process_text_unref(processes, &process->command_line);
	process_text_unref(processes, &process->lineage);
	process_text_unref(processes, &process->children_lineage);
	processes->bytes -= PROCESS_OWN_BYTES;
	free(process);
}

/* Takes a process out of the chain of its pid's owners, and frees it. */
static void processes_drop(struct processes *processes, struct process *process)
{
	struct process *newest = map_get(&processes->by_pid, process_pid_key(&process->pid));

	list_remove(&process->node);
	processes->count.value--;
	if (newest == process) {
		struct process *older = process->older;

		map_take(&processes->by_pid, process_key(process));
		/* There was room for the one just taken. */
		if (older && map_put(&processes->by_pid, older, NULL) < 0)
			abort();
	} else {
		while (newest->older != process)
			newest = newest->older;
		newest->older = process->older;
	}
	process_free(processes, process);
}

void processes_done(struct processes *processes)
{
	struct process_thread *thread;
	struct process *process;

	if (!processes->running.next)
		return;
	while ((process = list_first(&processes->running, struct process, node)))
		processes_drop(processes, process);
	while ((process = list_first(&processes->ended, struct process, node)))
		processes_drop(processes, process);
	list_drain(&processes->threads_by_age, thread, node) free(thread);
	map_done(&processes->by_pid);
	map_done(&processes->threads);
}

static struct process *processes_oldest(const struct processes *processes)
{
	struct process *process = list_first(&processes->ended, struct process, node);

	return process ? process : list_first(&processes->running, struct process, node);
}

static void processes_evict(struct processes *processes)
{
	processes->evictions.value++;
	processes_drop(processes, processes_oldest(processes));
}

static bool processes_are_large(const struct processes *processes)
{
	return processes->bytes > processes->limit * PROCESS_BYTES;
}

/* What many took that are gone goes back to the kernel. */
static void processes_return(struct processes *processes)
{
	if (processes->bytes > processes->most_bytes)
		processes->most_bytes = processes->bytes;
	if (processes->bytes + RETURN_BYTES > processes->most_bytes)
		return;
	malloc_trim(0);
	processes->most_bytes = processes->bytes;
}

/* Forgets who ended long ago, and those whose texts there is no room for. */
static void processes_trim(struct processes *processes, uint64_t now_ns)
{
	struct process *process;

	while ((process = list_first(&processes->ended, struct process, node)) &&
	       process->exited_ns + PROCESS_KEEP_S * NS_PER_S < now_ns)
		processes_drop(processes, process);
	while (processes_are_large(processes))
		processes_evict(processes);
	processes_return(processes);
}

static void process_end(struct processes *processes, struct process *process, uint64_t boot_ns)
{
	if (process->exited_ns)
		return;
	process->exited_ns = boot_ns ? boot_ns : 1;
	list_remove(&process->node);
	list_append(&processes->ended, &process->node);
	process_text_unref(processes, &process->children_lineage);
}

/* A new owner of its pid; who had it before must have ended. NULL when memory is out. */
static struct process *processes_add(struct processes *processes, const struct ring_head *head)
{
	struct process *process = calloc(1, sizeof(*process));
	struct process *older;

	if (!process)
		return NULL;
	if (processes->count.value >= processes->limit)
		processes_evict(processes);
	process->pid = head->pid;
	process->start_ns = head->start_ns;
	process->start_wall_ns = clock_wall_of_boot(head->start_ns);
	older = map_take(&processes->by_pid, process_key(process));
	if (older)
		process_end(processes, older, head->start_ns);
	process->older = older;
	list_append(&processes->running, &process->node);
	processes->count.value++;
	processes->bytes += PROCESS_OWN_BYTES;
	if (map_put(&processes->by_pid, process, NULL) < 0)
		abort(); /* the table can't be kept in order without memory */
	return process;
}

/* /proc rounds start times down to ticks. */
static bool process_is(const struct process *process, uint64_t start_ns)
{
	return procfs_ticks(process->start_ns) == procfs_ticks(start_ns);
}

static struct process *processes_of_head(struct processes *processes, const struct ring_head *head)
{
	struct process *process = map_get(&processes->by_pid, process_pid_key(&head->pid));

	while (process && !process_is(process, head->start_ns))
		process = process->older;
	if (!process)
		process = processes_add(processes, head);
	if (!process)
		return NULL;
	process->uid = head->uid;
	process->cgroup_id = head->cgroup_id;
	memcpy(process->comm, head->comm, sizeof(process->comm));
	process->comm[sizeof(process->comm) - 1] = '\0';
	return process;
}

/* --- records --- */

static void process_set_exe(struct processes *processes, struct process *process, struct slice path)
{
	struct process_text *text = path.bytes ? process_text_new(path.bytes) : NULL;

	process_text_unref(processes, &process->exe);
	if (!text)
		return;
	memcpy(text->at, path.at, path.bytes);
	process->exe = process_text_fit(processes, text, path.bytes);
}

/* NUL-terminated arguments as one line, "..." behind those that were cut. */
static void process_set_command_line(struct processes *processes, struct process *process,
				     const struct ring_exec *record)
{
	struct slice args = { record->args, record->args_bytes };
	struct process_text *text;

	if (!record->args_cut)
		while (args.bytes && args.at[args.bytes - 1] == '\0')
			args.bytes--;
	process_text_unref(processes, &process->command_line);
	text = args.bytes ? process_text_new(args.bytes + 3) : NULL;
	if (!text)
		return;
	for (size_t n = 0; n < args.bytes; n++)
		text->at[n] = args.at[n] ? args.at[n] : ' ';
	memcpy(text->at + args.bytes, "...", 3);
	process->command_line =
		process_text_fit(processes, text, args.bytes + (record->args_cut ? 3 : 0));
}

static void processes_on_fork(struct processes *processes, struct process *child,
			      const struct ring_fork *record)
{
	struct process *parent = map_get(&processes->by_pid, process_pid_key(&record->ppid));

	child->ppid = record->ppid;
	if (!parent)
		return;
	if (!child->lineage)
		child->lineage = lineage_of_child(processes, parent);
	child->ns_mnt = parent->ns_mnt;
	child->ns_net = parent->ns_net;
	child->ns_pid = parent->ns_pid;
	child->ns_user = parent->ns_user;
	if (!child->exe)
		child->exe = process_text_ref(parent->exe);
	if (!child->command_line)
		child->command_line = process_text_ref(parent->command_line);
}

static void processes_on_exec(struct processes *processes, struct process *process,
			      const struct ring_exec *record)
{
	char room[RECORD_EXE_ROOM];

	process->ppid = record->ppid;
	process->ns_mnt = record->ns_mnt;
	process->ns_net = record->ns_net;
	process->ns_pid = record->ns_pid;
	process->ns_user = record->ns_user;
	process_set_exe(processes, process, record_exe(record, room));
	process_set_command_line(processes, process, record);
	/* Children from now on have a parent of another name. */
	process_text_unref(processes, &process->children_lineage);
	if (!process->lineage)
		process->lineage = lineage_of_child(
			processes, map_get(&processes->by_pid, process_pid_key(&record->ppid)));
}

static void processes_on_thread(struct processes *processes, const struct ring_head *head)
{
	struct process_thread *thread = map_take(&processes->threads, process_pid_key(&head->tid));

	if (!thread && processes->threads.count >= THREADS_KEPT) {
		processes->thread_evictions.value++;
		thread = list_first(&processes->threads_by_age, struct process_thread, node);
		map_take(&processes->threads, process_thread_key(thread));
	}
	if (thread)
		list_remove(&thread->node);
	else
		thread = calloc(1, sizeof(*thread));
	if (!thread)
		return;
	thread->tid = head->tid;
	thread->pid = head->pid;
	thread->boot_ns = head->boot_ns;
	list_append(&processes->threads_by_age, &thread->node);
	if (map_put(&processes->threads, thread, NULL) < 0) {
		list_remove(&thread->node);
		free(thread);
	}
}

/* The process that the record is about; NULL when it is about none, or memory is out. */
static struct process *processes_take(struct processes *processes, const struct ring_head *head)
{
	struct process *process;

	if (head->type == RING_cgroup)
		return NULL;
	if (head->type == RING_thread) {
		processes_on_thread(processes, head);
		return NULL;
	}
	processes_trim(processes, head->boot_ns);
	process = processes_of_head(processes, head);
	if (!process)
		return NULL;
	if (head->type == RING_fork)
		processes_on_fork(processes, process, (const struct ring_fork *)head);
	else if (head->type == RING_exec)
		processes_on_exec(processes, process, (const struct ring_exec *)head);
	else if (head->type == RING_exit)
		process_end(processes, process, head->boot_ns);
	return process;
}

void processes_record(struct processes *processes, const struct ring_head *head)
{
	struct process *process = processes_take(processes, head);

	if (process)
		process->told = true;
}

/* --- questions --- */

/* Takes one process in from /proc; false when it isn't there. */
static bool processes_ask(struct processes *processes, uint32_t pid)
{
	const struct process *known;
	struct process *asked;
	struct ring_exec record;
	struct procfs_stat stat;

	if (procfs_describe(processes->proc_fd, pid, processes->hierarchy, &record) < 0)
		return false;
	/* One that is dying shows the root's control group (v1), then no program, then no
	 * namespaces: asked behind the others, it tells whether to believe them. */
	if (procfs_stat(processes->proc_fd, pid, &stat) < 0 || stat.dying) {
		known = map_get(&processes->by_pid, process_pid_key(&pid));
		if (known && process_is(known, record.head.start_ns))
			return true;
		record.head.cgroup_id = 0;
	}
	asked = processes_take(processes, &record.head);
	if (asked)
		asked->asked_ns = clock_boot_ns();
	return true;
}

static void processes_scan_one(void *owner, uint32_t pid)
{
	struct processes *processes = owner;

	if (processes->count.value < processes->limit && !processes_are_large(processes))
		processes_ask(processes, pid);
}

/* The scan may meet children before their parents: hang them in once all are there. */
static void processes_link_parents(struct processes *processes)
{
	struct process *process;

	list_each(&processes->running, process, node) {
		struct process *chain[8], *at = process;
		size_t depth = 0;

		while (at && !at->lineage && depth < array_count(chain)) {
			chain[depth++] = at;
			at = map_get(&processes->by_pid, process_pid_key(&at->ppid));
		}
		while (depth-- > 0)
			chain[depth]->lineage = lineage_of_child(
				processes,
				map_get(&processes->by_pid, process_pid_key(&chain[depth]->ppid)));
	}
}

static void processes_say_hidden(const struct processes *processes)
{
	const struct process *process;
	size_t hidden = 0;
	uint32_t pid = 0;

	list_each(&processes->running, process, node) {
		char path[2];

		if (process->exe ||
		    procfs_exe(processes->proc_fd, process->pid, path, sizeof(path)) != -EACCES)
			continue;
		hidden++;
		pid = process->pid;
	}
	if (hidden)
		log_warning("%zu of the processes that run already are told without their "
			    "executables, such as %u: Permission denied (it takes CAP_SYS_PTRACE, "
			    "and no AppArmor profile of a container engine's)",
			    hidden, pid);
}

int processes_scan(struct processes *processes, struct error *err)
{
	int r = procfs_each(processes->proc_fd, processes_scan_one, processes, err);

	if (r < 0)
		return r;
	processes_link_parents(processes);
	processes_say_hidden(processes);
	return 0;
}

/* Whether the process was there at a moment, give or take what the clocks differ by. */
static bool process_lived_at(const struct process *process, uint64_t boot_ns)
{
	uint64_t near = PROCESS_NEAR_S * NS_PER_S;

	if (boot_ns == 0)
		return true;
	return process->start_ns <= boot_ns + near &&
	       (process->exited_ns == 0 || process->exited_ns + near >= boot_ns);
}

static const struct process *processes_get(const struct processes *processes, uint32_t pid,
					   uint64_t boot_ns)
{
	const struct process *process = map_get(&processes->by_pid, process_pid_key(&pid));

	while (process && boot_ns && process->start_ns > boot_ns + NS_PER_MS * 10 &&
	       process->older && process_lived_at(process->older, boot_ns))
		process = process->older;
	return process && process_lived_at(process, boot_ns) ? process : NULL;
}

/* Whether what is known of it needs no look at /proc. */
static bool processes_trusts(const struct processes *processes, const struct process *process,
			     uint64_t boot_ns)
{
	if (!process || processes->feed == PROCESSES_all ||
	    (processes->feed == PROCESSES_some && process->told))
		return process != NULL;
	return boot_ns && process->asked_ns &&
	       process->asked_ns + ASK_AGAIN_MS * NS_PER_MS > boot_ns;
}

const struct process *processes_find(struct processes *processes, uint32_t pid, uint64_t boot_ns)
{
	const struct process *process = processes_get(processes, pid, boot_ns);

	if (processes_trusts(processes, process, boot_ns) || !processes_ask(processes, pid))
		return process;
	return processes_get(processes, pid, boot_ns);
}

const struct process *processes_find_thread(struct processes *processes, uint32_t tid,
					    uint64_t boot_ns)
{
	const struct process *process = processes_get(processes, tid, boot_ns);
	const struct process_thread *thread;
	uint32_t pid, uid;

	if (processes_trusts(processes, process, boot_ns))
		return process;
	thread = map_get(&processes->threads, process_pid_key(&tid));
	if (thread)
		return processes_find(processes, thread->pid, boot_ns);
	/* A thread has a directory too, and there says whose it is. */
	if (procfs_owner(processes->proc_fd, tid, &pid, &uid) < 0)
		return process;
	return processes_find(processes, pid, boot_ns);
}

#define PROCESS_DEPTH 24 /* as bpf/ring.bpf.h goes up */

bool processes_is_under(struct processes *processes, uint32_t pid, uint32_t above, uint64_t boot_ns)
{
	for (int depth = 0; depth < PROCESS_DEPTH && pid > 1; depth++) {
		const struct process *process;

		if (pid == above)
			return true;
		process = processes_find(processes, pid, boot_ns);
		if (!process)
			return false;
		pid = process->ppid;
	}
	return false;
}
