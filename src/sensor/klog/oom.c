/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oom - memory ran out, and the kernel chose whom to kill (mm/oom_kill.c).
 *
 *	java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
 *	 ... a stack, memory in numbers, all tasks ...
 *	oom-kill:constraint=CONSTRAINT_MEMCG,...,task=java,pid=4711,uid=1000		since 4.19
 *	Memory cgroup out of memory: Killed process 4711 (java) total-vm:...
 *
 * Before 5.3 two lines stand at the end: "Out of memory: Kill process 4711 (java) score 900 or
 * sacrifice child" and "Killed process 4711 (java) total-vm:...". Before 4.19 the control group
 * stands in "Task in /a/b killed as a result of limit of /a".
 */
#include <ctype.h>

#include "sensor/klog/dump.h"
#include "sensor/klog/inside.h"

struct oom {
	struct match victim, choice; /* the line that kills, and the one that chooses */
	struct slice constraint, cgroup;
	bool has_victim, has_choice;
	bool memcg;
};

/* Letters: c, p; t total-vm, r anon-rss, f file-rss, s shmem-rss, l page tables: kilobytes. The
 * score may be negative: it is read by itself. */
static const char *const oom_starts[] = {
	"Memory cgroup out of memory: ",
	"Out of memory: ",
	"Out of memory (oom_kill_allocating_task): ",
};

static struct slice oom_strip(struct slice text, struct oom *oom)
{
	for (size_t n = 0; n < array_count(oom_starts); n++)
		if (slice_eat(&text, slice_of(oom_starts[n]))) {
			oom->memcg |= n == 0;
			break;
		}
	return text;
}

/* Letters: t total-vm, r anon-rss, f file-rss, s shmem-rss, l page tables, all in kilobytes; what
 * is left behind the pattern is the score. */
static bool oom_read_victim(struct oom *oom, struct slice text)
{
	static const char *const patterns[] = {
		"Killed process {p#} ({c@}) total-vm:{t#}kB, anon-rss:{r#}kB, file-rss:{f#}kB"
		"<, shmem-rss:{s#}kB><, UID:{u#} pgtables:{l#}kB oom_score_adj:>",
		"Killed process {p#} ({c@}), UID {u#}, total-vm:{t#}kB, anon-rss:{r#}kB, "
		"file-rss:{f#}kB<, shmem-rss:{s#}kB>",
		"Killed process {p#}, UID {u#}, ({c@}) total-vm:{t#}kB, anon-rss:{r#}kB, "
		"file-rss:{f#}kB<, shmem-rss:{s#}kB>",
	};

	for (size_t n = 0; n < array_count(patterns) && !oom->has_victim; n++)
		oom->has_victim = pattern_match(patterns[n], text, &oom->victim);
	return oom->has_victim;
}

static bool oom_read_choice(struct oom *oom, struct slice text)
{
	struct slice body = text;
	struct match match;
	ssize_t memcg, task;

	if (pattern_match("Kill process {p#} ({c@}) score {n#} or sacrifice child", text,
			  &oom->choice)) {
		oom->has_choice = true;
		return true;
	}
	/* A control group's name may hold a comma: the last of each word is the kernel's. */
	if (!slice_eat(&body, SLICE("oom-kill:constraint=")) ||
		       (task = slice_find_last(body, SLICE(",task="))) < 0 ||
			!pattern_match(",task={c@},pid={p#},uid={u#}$",
				       slice_skip(body, (size_t)task), &match))
		return false;
	oom->choice = match;
	oom->has_choice = true;
	body = slice_first(body, (size_t)task);
	memcg = slice_find(body, SLICE(",oom_memcg="));
	task = slice_find_last(body, SLICE(",task_memcg="));
	if (task >= 0 && memcg >= 0 && memcg < task)
		oom->cgroup = slice_skip(slice_first(body, (size_t)task), (size_t)memcg + 11);
	slice_cut(&body, ',', &oom->constraint);
	return true;
}

static void oom_read(struct oom *oom, struct slice text)
{
	struct match match;

	text = oom_strip(text, oom);
	if (oom_read_victim(oom, text) || oom_read_choice(oom, text))
		return;
	if (oom->cgroup.bytes == 0 &&
	    pattern_match("Task in {d*} killed as a result of limit of {z*}$", text, &match)) {
		oom->cgroup = match_text(&match, 'z');
		oom->memcg = true;
	}
}

/* --- the event --- */

static struct slice oom_constraint(const struct oom *oom)
{
	static const struct {
		const char *kernel, *ours;
	} names[] = {
		{ "CONSTRAINT_NONE", "none" },
		{ "CONSTRAINT_MEMCG", "memcg" },
		{ "CONSTRAINT_CPUSET", "cpuset" },
		{ "CONSTRAINT_MEMORY_POLICY", "memory_policy" },
	};

	for (size_t n = 0; n < array_count(names); n++)
		if (slice_is(oom->constraint, names[n].kernel))
			return slice_of(names[n].ours);
	if (oom->constraint.bytes)
		return oom->constraint;
	return oom->memcg ? SLICE("memcg") : SLICE("none");
}

static void oom_put_sizes(struct event *event, const struct oom *oom)
{
	static const struct {
		char letter;
		enum event_field field;
	} sizes[] = {
		{ 't', FIELD_oom_total_vm },	{ 'r', FIELD_oom_anon_rss },
		{ 'f', FIELD_oom_file_rss },	{ 's', FIELD_oom_shmem_rss },
		{ 'l', FIELD_oom_page_tables },
	};
	struct slice score = oom->victim.rest;
	bool negative = slice_eat(&score, SLICE("-"));
	uint64_t number;

	for (size_t n = 0; n < array_count(sizes); n++)
		if (match_has_number(&oom->victim, sizes[n].letter))
			klog_put_number(event, sizes[n].field,
					match_number(&oom->victim, sizes[n].letter) * 1024);
	if (match_has_number(&oom->victim, 'l') && slice_u64(score, &number))
		klog_put_number(event, FIELD_oom_score_adj, negative ? -number : number);
}

static void oom_emit(struct klog *klog, const struct line *line)
{
	struct event *event = klog_begin(klog, EVENT_kernel_oom_kill, line);
	struct oom oom = { .memcg = false };
	struct slice rest = line->whole, text;
	const struct match *who;
	uint64_t lines = 0;

	for (; slice_next(&rest, '\0', &text); lines++)
		oom_read(&oom, text);
	/* Nobody was killed: a panic follows, and is its own event. */
	if (!oom.has_victim && !oom.has_choice)
		return;
	who = oom.has_victim ? &oom.victim : &oom.choice;
	klog_put_number(event, FIELD_pid, match_number(who, 'p'));
	klog_put_text(event, FIELD_comm, match_text(who, 'c'));
	klog_put_text(event, FIELD_oom_constraint, oom_constraint(&oom));
	klog_put_text(event, FIELD_oom_cgroup, oom.cgroup);
	if (oom.has_victim)
		oom_put_sizes(event, &oom);
	klog_put_text(event, FIELD_report, SLICE("oom_kill"));
	klog_put_number(event, FIELD_report_lines, lines);
	klog_emit(klog, line);
}

/* --- its lines --- */

/* What stands between its first and its last line, besides what is indented. */
static const char *const oom_body[] = {
	"Call Trace:",
	"Call trace:",
	"[<",
	"Task in ",
	"memory: usage ",
	"memory+swap: usage ",
	"swap: usage ",
	"kmem: usage ",
	"Memory cgroup stats for ",
	"Memory cgroup min protection ",
	"Mem-Info:",
	"active_anon:",
	"active_file:",
	"Node ",
	"DMA",
	"Normal",
	"HighMem",
	"Movable",
	"lowmem_reserve[]:",
	"Free swap ",
	"Total swap ",
	"Swap cache stats:",
	"Tasks state ",
	"[ pid ]",
	"[  pid  ]",
	"Tasks in ",
	"anon ",
	"file ",
	"Unreclaimable slab info:",
	"Name ",
	"oom-kill:",
	"Out of memory: ",
	"Memory cgroup out of memory: ",
};

/* "123456 total pagecache pages", "[  4711] 0 4711 ..." */
static bool oom_is_count(struct slice text)
{
	struct match match;

	return pattern_match("[{d#}] ", text, &match) ||
	       (pattern_match("{d#} ", text, &match) && slice_find(text, SLICE(" page")) >= 0);
}

/* "inactive_anon 49152": a control group's statistics, each on a line of its own on new kernels. */
static bool oom_is_statistic(struct slice text)
{
	struct slice name;
	uint64_t number;

	if (!slice_cut(&text, ' ', &name) || name.bytes == 0)
		return false;
	for (size_t n = 0; n < name.bytes; n++)
		if (!islower((unsigned char)name.at[n]) && !isdigit((unsigned char)name.at[n]) &&
		    name.at[n] != '_')
			return false;
	return slice_u64(text, &number);
}

static enum gather_verdict oom_wants(const struct klog *klog, struct gather *gather,
				     const struct line *line)
{
	struct oom oom = { .memcg = false };
	struct slice text = line->text;

	(void)klog;
	(void)gather;
	if (oom_read_victim(&oom, oom_strip(text, &oom)))
		return GATHER_last;
	if (slice_find(text, SLICE(" invoked oom-killer: ")) >= 0)
		return GATHER_over;
	/* A stack from user space has the registers of both sides. */
	if (text.bytes == 0 || text.at[0] == ' ' || oom_is_count(text) || oom_is_statistic(text) ||
	    dump_line_of(text) != DUMP_none)
		return GATHER_more;
	for (size_t n = 0; n < array_count(oom_body); n++)
		if (slice_starts(text, slice_of(oom_body[n])))
			return GATHER_more;
	return GATHER_stranger;
}

static void oom_finish(struct klog *klog, struct gather *gather, struct line *first)
{
	(void)gather;
	oom_emit(klog, first);
}

static const struct gather_kind oom_gather = { oom_wants, oom_finish };

static bool oom_take(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct oom oom = { .memcg = false };
	struct slice text = oom_strip(line->text, &oom);
	struct match match;

	if (oom_read_victim(&oom, text)) {
		oom_emit(klog, line);
		return true;
	}
	if (oom_read_choice(&oom, text) ||
	    pattern_match("{c@} invoked oom-killer: gfp_mask=", line->text, &match))
		return gather_open(klog, &oom_gather, shape, line);
	return false;
}

#define OOM(anchor, words)                                                                         \
	{                                                                                          \
		ANCHOR_##anchor, EVENT_kernel_oom_kill, words, oom_take, NULL, NULL, 0, 0          \
	}

const struct shape oom_shapes[] = {
	OOM(end, ", oom_score_adj="), /* "... invoked oom-killer: ..." */
	OOM(start, "oom-kill:constraint="),
	OOM(start, "Out of memory: Kill"),
	OOM(start, "Out of memory (oom_kill_allocating_task): Kill"),
	OOM(start, "Memory cgroup out of memory: Kill"),
	OOM(start, "Killed process "),
	{ .words = NULL },
};
