/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - what the kernel says when something is wrong with itself: an oops, a sanitizer's find,
 * a lockup.
 *
 * A report has a headline of one line or more, a body (registers, a stack, modules), and mostly an
 * end mark. Every line of the headline is a row of the table; the one with the highest rank says
 * what the report is about: an "Oops:" is less telling than the "refcount_t:" before it. In the
 * body a row's words begin another report.
 */
#include "sensor/klog/dump.h"
#include "sensor/klog/inside.h"

/* Lines of a headline, such as a WARN()'s own words, that no row knows. */
#define REPORT_WORDS 3

/* --- which line is it --- */

static const struct shape *report_row(struct slice text, struct match *match)
{
	for (const struct shape *row = report_shapes; row->words; row++) {
		struct slice words = slice_of(row->words);

		match->numbers = match->texts = 0;
		if (slice_starts(text, words) &&
		    (!row->pattern ||
		     pattern_match(row->pattern, slice_skip(text, words.bytes), match)))
			return row;
	}
	return NULL;
}

static bool report_is_end(struct slice text)
{
	return slice_starts(text, SLICE("---[ end ")) ||
			    slice_starts(text, SLICE("=============================="));
}

/* Where the body begins. */
static const char *const report_body[] = {
	"Modules linked in:",
	"Call Trace:",
	"Call trace:",
	"Backtrace:",
	"Stack:",
	"task:",
	"Task dump for CPU",
	"NMI backtrace for cpu",
	"Sending NMI from CPU",
	"Memory state around the buggy address",
};

/* Other lines of reports, besides what is indented and what a dump prints. */
static const char *const report_others[] = {
	"#PF: ",
	"PGD ",
	"IP: ",
	"[<",
	"Mem abort info:",
	"Data abort info:",
	"swapper pgtable:",
	"user pgtable:",
	"Process ",
	"Exception stack",
	"Flags: ",
	"Control: ",
	"PC is at ",
	"LR is at ",
	"Read of size ",
	"Write of size ",
	"Allocated by task",
	"Freed by task",
	"The buggy address",
	"Last potentially related work",
	"Uninit was ",
	"Reported by Kernel Concurrency Sanitizer",
	"Out-of-bounds ",
	"Use-after-free ",
	"Invalid ",
	"Corrupted memory ",
	"kfence-#",
	"allocated by task",
	"freed by task",
	"read to ",
	"write to ",
	"value changed",
	"index ",
	"page:",
	"raw: ",
	"page dumped because:",
	"flags: ",
	"irq event stamp:",
	"hardirqs last ",
	"softirqs last ",
	"\"echo 0 > ",
	"rcu: ",
	"Kernel Offset:",
	"Rebooting in ",
	">",
};

static bool report_starts_with(const char *const *words, size_t count, struct slice text)
{
	for (size_t n = 0; n < count; n++)
		if (slice_starts(text, slice_of(words[n])))
			return true;
	return false;
}

/* "[ffff000001234000] pgd=..." */
static bool report_is_page_table(struct slice text)
{
	struct match match;

	return pattern_match("[{d}] p", text, &match);
}

static bool report_is_body(struct slice text, bool *ret_begins)
{
	enum dump_line dump_line = dump_line_of(text);

	*ret_begins = dump_line == DUMP_task ||
		      report_starts_with(report_body, array_count(report_body), text);
	return *ret_begins || dump_line != DUMP_none || text.bytes == 0 || text.at[0] == ' ' ||
	       report_starts_with(report_others, array_count(report_others), text) ||
	       report_is_page_table(text);
}

static enum gather_verdict report_wants(const struct klog *klog, struct gather *gather,
					const struct line *line)
{
	struct match match;
	bool begins;

	if (report_is_end(line->text))
		return GATHER_last;
	if (report_row(line->text, &match))
		return gather->body ? GATHER_over : GATHER_more;
	if (report_is_body(line->text, &begins)) {
		gather->body |= begins;
		return GATHER_more;
	}
	if (gather->body || gather->lines > REPORT_WORDS || shape_is_known(&klog->index, *line))
		return GATHER_stranger;
	return GATHER_more;
}

/* --- what it says --- */

/* Lines that say more about it; `access` where the pattern can't hold it. */
static const struct report_detail {
	const char *pattern, *access;
} report_details[] = {
	{ "#PF: supervisor instruction fetch in ", "execute" },
	{ "#PF: supervisor {v^} access in ", NULL },
	{ "#PF: error_code({e}) ", NULL },
	{ "Oops: {e} [#", NULL },
	{ "Internal error: Oops: {e} [#", NULL },
	{ "  ESR = {e}", NULL },
	{ "Read of size {d#} at addr {a} by task {c@}/{p#}$", "read" },
	{ "Write of size {d#} at addr {a} by task {c@}/{p#}$", "write" },
	{ "Out-of-bounds {v^} at {a} (", NULL },
	{ "Use-after-free {v^} at {a} (", NULL },
	{ "Invalid {v^} at {a}", NULL },
	{ "RIP: {d*}:{k^} [{m^}]", NULL },
	{ "pc : {k^} [{m^}]", NULL },
};

struct report {
	const struct shape *row; /* the most telling */
	struct slice title;
	struct slice function;
	struct match match;
	uint64_t lines;
};

/* "do_exit+0x1a/0x30", "do_exit()": the name. */
static struct slice report_function(struct slice symbol)
{
	size_t bytes = 0;

	while (bytes < symbol.bytes && !memchr("+( ", symbol.at[bytes], 3))
		bytes++;
	return slice_first(symbol, bytes);
}

static void report_read_headline(struct report *report, struct slice lines)
{
	struct slice text, words = { "", 0 };

	for (; slice_next(&lines, '\0', &text); report->lines++) {
		struct match match;
		const struct shape *row = report_row(text, &match);

		if (!row) {
			if (words.bytes == 0)
				words = text;
			continue;
		}
		if (report->row && row->number <= report->row->number)
			continue;
		report->row = row;
		report->match = match;
		report->title = text;
	}
	/* Nothing but the cut: what stands below it. */
	if (report->row && report->row->number == 0 && words.bytes)
		report->title = words;
}

static void report_put_details(struct event *event, struct slice lines)
{
	struct slice text;

	while (slice_next(&lines, '\0', &text)) {
		struct match match;

		if (report_row(text, &match))
			klog_put(event, &match);
		for (size_t n = 0; n < array_count(report_details); n++) {
			const struct report_detail *detail = &report_details[n];

			if (!pattern_match(detail->pattern, text, &match))
				continue;
			klog_put(event, &match);
			if (detail->access)
				klog_put_text(event, FIELD_fault_access, slice_of(detail->access));
		}
	}
}

static void report_put_function(struct event *event, const struct report *report,
				const struct dump *dump)
{
	static const char *const names[] = { "RIP", "EIP", "pc", "epc" };
	struct slice symbol = match_text(&report->match, 'k');

	for (size_t n = 0; n < array_count(names) && symbol.bytes == 0; n++) {
		uint64_t number;

		symbol = dump_register(dump, names[n]);
		if (slice_hex(symbol, &number))
			symbol =
				(struct slice){ "", 0 }; /* an address: user space, or no symbols */
	}
	klog_put_text(event, FIELD_report_function, report_function(symbol));
}

static void report_finish(struct klog *klog, struct gather *gather, struct line *first)
{
	struct dump dump = { .pairs = klog->registers, .pair_room = KLOG_REGISTERS };
	struct report report = { .row = NULL };
	struct event *event;

	report_read_headline(&report, first->whole);
	if (!report.row)
		report.row = gather->shape;
	event = klog_begin(klog, report.row->kind, first);
	klog_put_text(event, FIELD_report, slice_of(report.row->name));
	klog_put_text(event, FIELD_report_title, slice_trim(report.title));
	klog_put(event, &report.match);
	report_put_details(event, first->whole);
	dump_read_lines(&dump, first->whole);
	report_put_function(event, &report, &dump);
	dump_put(&dump, event);
	klog_put_number(event, FIELD_report_lines, report.lines);
	klog_emit(klog, first);
}

static const struct gather_kind report_gather = { report_wants, report_finish };

static bool report_take(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct match match;

	if (shape->pattern && !pattern_match(shape->pattern, line->rest, &match))
		return false;
	return gather_open(klog, &report_gather, shape, line);
}

/* --- the table --- */

enum report_rank { RANK_cut, RANK_warning, RANK_oops, RANK_fault, RANK_cause };

#define REPORT(kind, name, rank, words, pattern)                                                   \
	{                                                                                          \
		ANCHOR_start, EVENT_kernel_##kind, words, report_take, pattern, name, RANK_##rank, \
			0                                                                          \
	}
#define LOCKUP "{u#} stuck for {b#}s! [{c@}:{p#}]$"

const struct shape report_shapes[] = {
	REPORT(warning, "warning", cut, "------------[ cut here ]------------", "$"),
	/* kernel/panic.c: __warn(); up to 3.10, to 6.18, since */
	REPORT(warning, "warning", warning, "WARNING: at ", "{z^} {k^}()$"),
	REPORT(warning, "warning", warning,
	       "WARNING: CPU: ", "{u#} PID: {p#} at <{z^} >{k^}< [{m^}]>$"),
	REPORT(warning, "warning", warning,
	       "WARNING: ", "<{z^} >at {k^}< [{m^}]>, CPU#{u#}: {c@}/{p#}$"),
	REPORT(warning, "lockdep", warning, "WARNING: possible ", NULL),
	REPORT(warning, "lockdep", warning, "WARNING: suspicious RCU usage", NULL),
	REPORT(warning, "lockdep", warning, "WARNING: inconsistent lock state", NULL),
	REPORT(warning, "lockdep", warning, "WARNING: bad unlock balance", NULL),
	REPORT(warning, "msr", warning, "unchecked MSR access error: ", NULL),

	/* arch/x86/kernel/dumpstack.c: __die(); "Oops: " stands before all of them since 6.9 */
	REPORT(fault, "general_protection", fault, "general protection fault",
	       "<, probably for non-canonical address {a}>"),
	REPORT(fault, "general_protection", fault, "Oops: general protection fault",
	       "<, probably for non-canonical address {a}>"),
	REPORT(fault, "invalid_opcode", oops, "invalid opcode: ", "{e} [#"),
	REPORT(fault, "invalid_opcode", oops, "Oops: invalid opcode: ", "{e} [#"),
	REPORT(fault, "divide_error", fault, "divide error: ", "{e} [#"),
	REPORT(fault, "divide_error", fault, "Oops: divide error: ", "{e} [#"),
	REPORT(fault, "stack_segment", fault, "stack segment: ", "{e} [#"),
	REPORT(fault, "stack_segment", fault, "Oops: stack segment: ", "{e} [#"),
	REPORT(fault, "int3", fault, "int3: ", "{e} [#"),
	REPORT(fault, "int3", fault, "Oops: int3: ", "{e} [#"),
	REPORT(fault, "double_fault", fault, "double fault: ", "{e} [#"),
	REPORT(fault, "double_fault", fault, "PANIC: double fault", NULL),
	REPORT(fault, "double_fault", fault, "traps: PANIC: double fault", NULL),
	REPORT(fault, "oops", oops, "Oops: ", NULL),
	REPORT(fault, "oops", oops, "Oops - ", NULL),
	REPORT(fault, "oops", oops, "Internal error: ", NULL),
	REPORT(fault, "bug", fault, "kernel BUG at ", "{z^}!$"),

	/* arch/x86/mm/fault.c: show_fault_oops() */
	REPORT(fault, "null_dereference", fault,
	       "BUG: kernel NULL pointer dereference, address: ", "{a}"),
	REPORT(fault, "null_dereference", fault,
	       "BUG: unable to handle kernel NULL pointer dereference at ", "{a}"),
	REPORT(fault, "page_fault", fault, "BUG: unable to handle page fault for address: ", "{a}"),
	REPORT(fault, "page_fault", fault, "BUG: unable to handle kernel paging request at ",
	       "{a}"),
	REPORT(fault, "exec_data", cause, "kernel tried to execute NX-protected page", NULL),
	REPORT(fault, "exec_user", cause, "unable to execute userspace code (SMEP?)", NULL),
	/* arch/powerpc/mm/fault.c */
	REPORT(fault, "null_dereference", fault, "BUG: Kernel NULL pointer dereference on ",
	       "{v^} at {a}"),
	REPORT(fault, "page_fault", fault, "BUG: Unable to handle kernel ",
	       "<data access on {v^} at {a}>"),
	/* arch/arm64, arm, riscv: mm/fault.c */
	REPORT(fault, "null_dereference", fault, "Unable to handle kernel NULL pointer dereference",
	       " at virtual address {a}"),
	REPORT(fault, "exec_user", cause, "Unable to handle kernel execution of user memory",
	       " at virtual address {a}"),
	REPORT(fault, "exec_data", cause,
	       "Unable to handle kernel execute from non-executable memory",
	       " at virtual address {a}"),
	REPORT(fault, "user_access", cause, "Unable to handle kernel access to user memory ",
	       "{z*} at virtual address {a}"),
	REPORT(fault, "page_fault", fault, "Unable to handle kernel ",
	       "{z*} at virtual address {a}"),

	REPORT(fault, "stack_overflow", cause, "BUG: stack guard page was hit at ", "{a}"),
	REPORT(fault, "stack_overflow", cause, "BUG: TASK stack guard page was hit at ", "{a}"),
	REPORT(fault, "atomic", fault, "BUG: scheduling while atomic: ", "{c@}/{p#}/0x"),
	REPORT(fault, "atomic", fault, "BUG: sleeping function called from invalid context at ",
	       NULL),
	REPORT(fault, "bad_page", fault, "BUG: Bad page state in process ", "{c@}  pfn:"),
	REPORT(fault, "bad_page", fault, "BUG: Bad page map in process ", "{c@}  pte:"),
	REPORT(stall, "workqueue_lockup", fault, "BUG: workqueue lockup", NULL),

	/* mm/kasan, mm/kfence, mm/kmsan, kernel/kcsan, lib/ubsan.c, mm/slub.c */
	REPORT(sanitizer, "kasan", cause, "BUG: KASAN: ", "{z^} in {k^}< [{m^}]>$"),
	REPORT(sanitizer, "kasan", cause, "BUG: KASAN: ", NULL),
	REPORT(sanitizer, "kasan", cause, "KASAN: ", NULL),
	REPORT(sanitizer, "kfence", cause, "BUG: KFENCE: ", "{z*} in {k^}< [{m^}]>$"),
	REPORT(sanitizer, "kmsan", cause, "BUG: KMSAN: ", "{z*} in {k^}< [{m^}]>$"),
	REPORT(sanitizer, "kcsan", cause, "BUG: KCSAN: ", "{z*} in {k^} /"),
	REPORT(sanitizer, "kcsan", cause, "BUG: KCSAN: ", "{z*} in {k^}< [{m^}]>$"),
	REPORT(sanitizer, "ubsan", cause, "UBSAN: ", NULL),
	REPORT(sanitizer, "slub", cause, "BUG ", "{z^} ({d*}): "),

	/* kernel/hung_task.c, kernel/watchdog*.c, kernel/rcu/tree_stall.h */
	REPORT(stall, "hung_task", cause, "INFO: task ",
	       "{c@}:{p#} blocked <in I/O wait >for more than {b#} s"),
	REPORT(stall, "soft_lockup", cause, "watchdog: BUG: soft lockup - CPU#", LOCKUP),
	REPORT(stall, "soft_lockup", cause, "NMI watchdog: BUG: soft lockup - CPU#", LOCKUP),
	REPORT(stall, "soft_lockup", cause, "BUG: soft lockup - CPU#", LOCKUP),
	REPORT(stall, "hard_lockup", cause, "watchdog: CPU",
	       "{d#}: Watchdog detected hard LOCKUP on cpu {u#}"),
	REPORT(stall, "hard_lockup", cause, "watchdog: Watchdog detected hard LOCKUP on cpu ",
	       "{u#}"),
	REPORT(stall, "hard_lockup", cause, "NMI watchdog: Watchdog detected hard LOCKUP on cpu ",
	       "{u#}"),
	REPORT(stall, "hard_lockup", cause, "Watchdog detected hard LOCKUP on cpu ", "{u#}"),
	REPORT(stall, "rcu_stall", cause, "rcu: INFO: rcu", NULL),
	REPORT(stall, "rcu_stall", cause, "INFO: rcu", NULL),

	/* checks that only an attack or memory corruption trips */
	REPORT(hardening, "stack_protector", cause,
	       "Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: ",
	       "{k^}< [{m^}]>$"),
	REPORT(hardening, "usercopy", cause, "usercopy: ", "{z*} attempt detected "),
	REPORT(hardening, "usercopy", cause, "Bad or missing usercopy whitelist? ", NULL),
	REPORT(hardening, "refcount", cause, "refcount_t: ", NULL),
	REPORT(hardening, "cfi", cause, "CFI failure at ", "{k^}< [{m^}]> ("),
	REPORT(hardening, "cfi", cause, "CFI failure (target: ", NULL),
	REPORT(hardening, "list_corruption", cause, "list_add corruption", NULL),
	REPORT(hardening, "list_corruption", cause, "list_del corruption", NULL),
	REPORT(hardening, "fortify", cause, "detected buffer overflow in ", "{z^}$"),
	REPORT(fault, "panic", fault, "Kernel panic - not syncing: ", NULL),
	/* The rest of what the kernel calls a bug. */
	REPORT(fault, "bug", fault, "BUG: ", NULL),
	{ .words = NULL },
};
