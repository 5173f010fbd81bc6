/* SPDX-License-Identifier: Apache-2.0 */
/* notice - messages of one line that say it all. */
#include <signal.h>

#include "sensor/klog/inside.h"

enum notice_flag {
	NOTICE_whole =
		1, /* the pattern is of the whole line, not of what stands behind the words */
};

/* Where shape->name goes. */
static enum event_field notice_field(enum event_kind kind)
{
	switch (kind) {
	case EVENT_ptrace_denied:
	case EVENT_lsm_denied:
		return FIELD_lsm;
	case EVENT_kernel_module:
		return FIELD_kernel_taint;
	default:
		return FIELD_report;
	}
}

/* Command lines stand in quotes and are escaped once more (kstrdup_quotable()). */
static void notice_unquote(struct event *event, struct match *match, char letter)
{
	struct slice text = match_text(match, letter);
	char *room = NULL;

	if (slice_find(text, SLICE("\\x")) >= 0)
		room = event_room(event, text.bytes);
	if (room)
		match->text[letter - 'a'] = kmsg_decode(text, room);
}

static bool notice_take(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct slice text = shape->flags & NOTICE_whole ? line->text : line->rest;
	struct match match;
	struct event *event;

	if (!pattern_match(shape->pattern, text, &match))
		return false;
	event = klog_begin(klog, shape->kind, line);
	notice_unquote(event, &match, 'l');
	notice_unquote(event, &match, 'o');
	klog_put(event, &match);
	if (shape->name)
		klog_put_text(event, notice_field(shape->kind), slice_of(shape->name));
	klog_put_signal(event, (uint64_t)shape->number);
	if (shape->kind == EVENT_kernel_hardening) {
		klog_put_text(event, FIELD_report_title, line->text);
		klog_put_number(event, FIELD_report_lines, 1);
	}
	klog_emit(klog, line);
	return true;
}

#define NOTICE(anchor, words, pattern, kind, name, signo, flags)                                   \
	{                                                                                          \
		ANCHOR_##anchor, EVENT_##kind, words, notice_take, pattern, name, signo, flags     \
	}
#define NOTICE_END(words, pattern, kind, name)                                                     \
	NOTICE(end, words, pattern, kind, name, 0, NOTICE_whole)
#define NOTICE_CORRUPTION " due to hardware memory corruption"

const struct shape notice_shapes[] = {
	/* lib/ratelimit.c */
	NOTICE_END(" callbacks suppressed", "{f^}: {n#} callbacks suppressed$", kmsg_suppressed,
		   NULL),
	NOTICE_END(" output lines suppressed due to ratelimiting",
		   "{f@}: {n#} output lines suppressed due to ratelimiting$", kmsg_suppressed,
		   NULL),
	/* security/yama/yama_lsm.c; since 4.9 command lines, before that names */
	NOTICE(start, "ptrace ", "{r^} of \"{o*}\"[{q#}] was attempted by \"{l*}\"[{p#}]$",
	       ptrace_denied, "yama", 0, 0),
	/* fs/exec.c: setup_arg_pages() */
	NOTICE_END("' started with executable stack",
		   "process '{x*}' started with executable stack$", process_exec_stack, NULL),
	/* security/lockdown/lockdown.c */
	NOTICE(start, "Lockdown: ", "{c@}: {z*} is restricted; see man kernel_lockdown.7$",
	       kernel_hardening, "lockdown", 0, 0),
	/* arch/x86/mm/fault.c, mm/memory-failure.c */
	NOTICE(start, "MCE: Killing ", "{c@}:{p#}" NOTICE_CORRUPTION " fault at {a}$",
	       kernel_memory_error, NULL, SIGBUS, 0),
	NOTICE(start, "MCE 0x", "{d}: Killing {c@}:{p#}< early>" NOTICE_CORRUPTION "$",
	       kernel_memory_error, NULL, SIGBUS, 0),
	NOTICE(start, "Memory failure: ", "{d}: Killing {c@}:{p#}< early>" NOTICE_CORRUPTION "$",
	       kernel_memory_error, NULL, SIGBUS, 0),
	NOTICE(start, "Memory failure: ", "{d}: Sending SIGBUS to {c@}:{p#}" NOTICE_CORRUPTION "$",
	       kernel_memory_error, NULL, SIGBUS, 0),
	/* kernel/module/: a blank in the name means it is none */
	NOTICE_END(": loading out-of-tree module taints kernel", "{m^}: {t*}$", kernel_module, "O"),
	NOTICE_END(" - tainting kernel", "{m^}: {t*}$", kernel_module, "E"),
	NOTICE_END("' taints kernel", "{m^}: {t*}$", kernel_module, "P"),
	NOTICE_END("you have been warned", "{m^}: {t*}$", kernel_module, "C"),
	NOTICE_END(": tainting kernel with TAINT_LIVEPATCH", "{m^}: {t*}$", kernel_module, "K"),
	NOTICE_END(" module is rejected", "{t*}$", kernel_module, NULL),
	NOTICE_END(" unavailable key is rejected", "{t*}$", kernel_module, NULL),
	{ .words = NULL },
};
