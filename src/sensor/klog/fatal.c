/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal - a signal that dumps core ended a process: kernel.print-fatal-signals.
 *
 *	potentially unexpected fatal signal 11.			3.x to 6.5
 *	nginx: worker: potentially unexpected fatal signal 11.	since 6.6: executable, thread
 *	worker: potentially unexpected fatal signal 11.		since 6.6, without executable
 *	worker/4711: potentially unexpected fatal signal 11.	before 3.x
 *	CPU: 1 PID: 4711 Comm: worker Not tainted 6.1.90 #1
 *	RIP: 0033:0x7f1c2b0a45c1
 *	...
 *
 * (kernel/signal.c: print_fatal_signal().) It is not rate-limited, so this is the channel that
 * shows every crash of a probe; dumps of several processors run into each other.
 */
#include "sensor/klog/dump.h"
#include "sensor/klog/inside.h"

#define FATAL_WORDS "potentially unexpected fatal signal "

struct fatal {
	struct slice comm;
	uint64_t pid, signo;
	bool has_pid;
};

static bool fatal_parse(const struct line *line, struct fatal *fatal)
{
	struct slice prefix = line->rest;
	struct slice number = slice_skip(line->text, prefix.bytes + strlen(FATAL_WORDS));
	struct match match;
	ssize_t colon;

	*fatal = (struct fatal){ .has_pid = false };
	if (!slice_eat_u64(&number, &fatal->signo) || !slice_is(number, "."))
		return false;
	if (prefix.bytes == 0)
		return true;
	if (!slice_ends(prefix, SLICE(": ")))
		return false;
	prefix.bytes -= 2;
	/* The dump names the thread beyond doubt; this is for the case that it is missing. */
	colon = slice_find_last(prefix, SLICE(": "));
	fatal->comm = slice_skip(prefix, colon < 0 ? 0 : (size_t)colon + 2);
	if (colon < 0 && pattern_match("{c@}/{p#}$", prefix, &match)) {
		fatal->comm = match_text(&match, 'c');
		fatal->pid = match_number(&match, 'p');
		fatal->has_pid = true;
	}
	return true;
}

/* The first line's thread, where it says so, must be the dump's. */
static bool fatal_is_task(const struct gather *gather, struct slice text)
{
	struct slice rest = text_slice(&gather->text), head;
	struct slice words = SLICE(": " FATAL_WORDS);
	struct dump dump = { .pairs = NULL };
	ssize_t end;

	slice_next(&rest, '\0', &head);
	end = slice_find_last(head, words);
	dump_read(&dump, text);
	if (end < 0 || !dump.has_task)
		return true;
	head.bytes = (size_t)end;
	return slice_ends(head, dump.comm) || slice_find_last(head, SLICE("/")) >= 0;
}

static enum gather_verdict fatal_wants(const struct klog *klog, struct gather *gather,
				       const struct line *line)
{
	enum dump_line dump_line = dump_line_of(line->text);

	(void)klog;
	if (dump_line == DUMP_none || gather_has(gather, slice_first(line->text, 4)) ||
	    (dump_line == DUMP_task && !fatal_is_task(gather, line->text)))
		return GATHER_stranger;
	/* Since 4.17 x86 ends the registers of user space with FS and GS; arm64 does with x0. */
	if ((slice_starts(line->text, SLICE("FS: ")) &&
					      slice_find(line->text, SLICE("knlGS:")) < 0) ||
			  slice_find(line->text, SLICE(" x0 :")) >= 0)
		return GATHER_last;
	return GATHER_more;
}

static void fatal_finish(struct klog *klog, struct gather *gather, struct line *first)
{
	struct event *event = klog_begin(klog, EVENT_process_fatal_signal, first);
	struct dump dump = { .pairs = klog->registers, .pair_room = KLOG_REGISTERS };
	struct fatal fatal;

	(void)gather;
	if (!fatal_parse(first, &fatal))
		return;
	dump_read_lines(&dump, first->whole);
	dump_put(&dump, event);
	klog_put_text(event, FIELD_comm, fatal.comm);
	if (fatal.has_pid)
		klog_put_number(event, FIELD_pid, fatal.pid);
	klog_put_signal(event, fatal.signo);
	klog_emit(klog, first);
}

static const struct gather_kind fatal_gather = { fatal_wants, fatal_finish };

static bool fatal_take(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct fatal fatal;

	return fatal_parse(line, &fatal) && gather_open(klog, &fatal_gather, shape, line);
}

const struct shape fatal_shapes[] = {
	{ .anchor = ANCHOR_end,
	  .words = FATAL_WORDS,
	  .take = fatal_take,
	  .kind = EVENT_process_fatal_signal },
	{ .words = NULL },
};
