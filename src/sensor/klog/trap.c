/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap - a process did what the processor or the kernel refuses, and nobody caught the signal.
 *
 * x86: arch/x86/mm/fault.c, kernel/traps.c, kernel/cet.c, kernel/umip.c, kernel/signal.c,
 * entry/vsyscall/vsyscall_64.c, kernel/cpu/bus_lock.c; arm64: kernel/traps.c; riscv: mm/fault.c;
 * powerpc: kernel/traps.c; arm, s390, mips, loongarch: mm/fault.c.
 */
#include <signal.h>

#include "sensor/klog/dump.h"
#include "sensor/klog/inside.h"
#include "sensor/klog/place.h"

enum trap_flag {
	TRAP_page_fault = 1, /* the error code is that of an x86 page fault */
	TRAP_prefix = 2,     /* the kernel puts "traps: " or "umip: " before the name */
	TRAP_code = 4,	     /* a line with the instruction's bytes follows */
	TRAP_dump = 8,	     /* registers follow */
	TRAP_whole = 16,     /* the pattern begins with the words, not behind them */
	TRAP_esr = 32,	     /* the error code is arm64's ESR, the words say what it was */
	TRAP_place = 64,     /* the instruction's file may follow */
};

struct trap {
	struct match match;
	struct place place;
	struct slice comm;
	uint64_t pid;
	bool has_pid;
};

/* --- what the error code says --- */

/* The bits of arch/x86/include/asm/trap_pf.h. */
static const char *trap_page_fault_reason(uint64_t code)
{
	if (code & 1 << 3)
		return "reserved_bit";
	if (code & 1 << 5)
		return "protection_key";
	if (code & 1 << 6)
		return "shadow_stack";
	return code & 1 ? "protection" : "no_page";
}

static void trap_put_page_fault(struct event *event, uint64_t code)
{
	const char *access = code & 1 << 4 ? "execute" : code & 1 << 1 ? "write" : "read";

	klog_put_text(event, FIELD_fault_reason, slice_of(trap_page_fault_reason(code)));
	klog_put_text(event, FIELD_fault_access, slice_of(access));
	klog_put_text(event, FIELD_fault_mode, slice_of(code & 1 << 2 ? "user" : "kernel"));
}

/* Classes of arch/arm64/include/asm/esr.h: aborts from a lower exception level. */
static void trap_put_esr(struct event *event, uint64_t esr)
{
	unsigned int class = esr >> 26 & 0x3f;
	const char *access = class == 0x20 ? "execute" : esr & 1 << 6 ? "write" : "read";

	if (class != 0x20 && class != 0x24)
		return;
	klog_put_text(event, FIELD_fault_access, slice_of(access));
	klog_put_text(event, FIELD_fault_mode, SLICE("user"));
}

/* What arm and arm64 call it; the first that is found. */
static const struct trap_words {
	const char *words, *kind;
	int signo; /* 0: depends */
} trap_words[] = {
	{ "translation fault", "segfault", SIGSEGV },
	{ "permission fault", "segfault", SIGSEGV },
	{ "access flag fault", "segfault", SIGSEGV },
	{ "page fault", "segfault", SIGSEGV },
	{ "undefined instruction", "invalid_opcode", SIGILL },
	{ "alignment", "alignment_check", SIGBUS },
	{ "external abort", "bus_error", SIGBUS },
	{ "tag check", "tag_check", SIGSEGV },
	{ "pointer authentication", "control_protection", SIGILL },
	{ "ptrauth", "control_protection", SIGILL },
	{ "BTI", "control_protection", SIGILL },
	{ "BRK", "int3", SIGTRAP },
};

static void trap_put_words(struct event *event, struct slice words)
{
	for (size_t n = 0; n < array_count(trap_words); n++) {
		if (slice_find(words, slice_of(trap_words[n].words)) < 0)
			continue;
		klog_put_text(event, FIELD_trap, slice_of(trap_words[n].kind));
		klog_put_signal(event, (uint64_t)trap_words[n].signo);
		return;
	}
}

/* --- one message --- */

static bool trap_parse_name(const struct shape *shape, const struct line *line, struct trap *trap)
{
	static const struct slice none = { "", 0 };
	struct match match;

	trap->comm = line->name;
	trap->pid = line->pid;
	trap->has_pid = shape->anchor == ANCHOR_pid;
	if (shape->anchor == ANCHOR_start)
		trap->comm = none; /* in the pattern, or not printed */
	else if (shape->flags & TRAP_prefix && !slice_eat(&trap->comm, SLICE("traps: ")))
		slice_eat(&trap->comm, SLICE("umip: "));
	if (shape->anchor == ANCHOR_name && pattern_match("{c@} ({p#})$", line->name, &match)) {
		trap->comm = match_text(&match, 'c');
		trap->pid = match_number(&match, 'p');
		trap->has_pid = true;
	}
	return trap->comm.bytes <= PATTERN_NAME_BYTES;
}

static bool trap_parse(const struct shape *shape, const struct line *line, struct trap *trap)
{
	struct slice rest = line->rest;

	if (shape->flags & TRAP_whole) {
		size_t words = strlen(shape->words);

		rest = (struct slice){ rest.at - words, rest.bytes + words };
	}
	if (!trap_parse_name(shape, line, trap) ||
	    !pattern_match(shape->pattern, rest, &trap->match))
		return false;
	trap->place = (struct place){ .known = false };
	if (shape->flags & TRAP_place)
		trap->place = place_parse(trap->match.rest);
	return true;
}

/* A reason at the end of a line runs into the place that follows it. */
static void trap_put_reason(struct event *event, const struct shape *shape, struct trap *trap)
{
	struct slice words = match_text(&trap->match, 'w');
	ssize_t in = slice_find(words, SLICE(" in "));

	if (!(shape->flags & TRAP_esr))
		return;
	if (in >= 0) {
		trap->place = place_parse(slice_skip(words, (size_t)in));
		words = slice_first(words, (size_t)in);
		trap->match.text['w' - 'a'] = words;
	}
	trap_put_words(event, words);
	trap_put_esr(event, match_number(&trap->match, 'e'));
}

static void trap_emit(struct klog *klog, const struct shape *shape, const struct line *line,
		      struct trap *trap)
{
	struct event *event = klog_begin(klog, EVENT_process_trap, line);
	struct dump dump = { .pairs = klog->registers, .pair_room = KLOG_REGISTERS };

	klog_put_text(event, FIELD_comm, trap->comm);
	if (trap->has_pid)
		klog_put_number(event, FIELD_pid, trap->pid);
	trap_put_reason(event, shape, trap);
	klog_put_text(event, FIELD_trap, slice_of(shape->name));
	klog_put(event, &trap->match);
	klog_put_signal(event, (uint64_t)shape->number);
	if (shape->flags & TRAP_page_fault && match_has_number(&trap->match, 'e'))
		trap_put_page_fault(event, match_number(&trap->match, 'e'));
	dump_read_lines(&dump, line->whole);
	dump_put(&dump, event);
	place_put(&trap->place, event, event_number_of(event, FIELD_fault_ip));
	klog_emit(klog, line);
}

/* --- lines that follow it --- */

static enum gather_verdict trap_wants(const struct klog *klog, struct gather *gather,
				      const struct line *line)
{
	unsigned int flags = gather->shape->flags;
	enum dump_line dump_line = dump_line_of(line->text);
	struct slice start = slice_first(line->text, 6);

	(void)klog;
	if (dump_line == DUMP_none || gather_has(gather, start))
		return GATHER_stranger;
	if (flags & TRAP_code && dump_line == DUMP_code)
		return GATHER_last;
	if (!(flags & TRAP_dump))
		return GATHER_stranger;
	return slice_find(line->text, SLICE(" x0 :")) >= 0 ? GATHER_last : GATHER_more;
}

static void trap_finish(struct klog *klog, struct gather *gather, struct line *first)
{
	struct trap trap;

	if (trap_parse(gather->shape, first, &trap))
		trap_emit(klog, gather->shape, first, &trap);
}

static const struct gather_kind trap_gather = { trap_wants, trap_finish };

static bool trap_take(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct trap trap;
	bool waits;

	if (!trap_parse(shape, line, &trap))
		return false;
	/* The place may still come, when another processor's line fell in between. */
	waits = shape->flags & (TRAP_code | TRAP_dump) ||
		(shape->flags & TRAP_place && !trap.place.known);
	if (waits && line->record->facility == KMSG_FACILITY_kern)
		return gather_open(klog, &trap_gather, shape, line);
	trap_emit(klog, shape, line, &trap);
	return true;
}

/* --- the table --- */

#define TRAP(anchor, words, pattern, name, signo, flags)                                           \
	{                                                                                          \
		ANCHOR_##anchor, EVENT_process_trap, words, trap_take, pattern, name, signo, flags \
	}
/* arch/x86/kernel/traps.c: do_trap() and show_signal(). */
#define TRAP_X86(words, name, signo)                                                               \
	TRAP(pid, words " ip:", "{i} sp:{s} error:{e}", name, signo, TRAP_prefix | TRAP_place)
/* arch/powerpc/kernel/traps.c: show_signal_msg(). */
#define TRAP_PPC(words, name)                                                                      \
	TRAP(pid, ": " words " (", "{g#}) at {a} nip {i} lr {d} code {d}", name, 0, TRAP_place)
#define TRAP_VSYSCALL(words, signo)                                                                \
	TRAP(pid, words, " {w*} ip:{i} cs:{d} sp:{s} ax:{d} si:{d} di:{d}", "vsyscall", signo,     \
	     TRAP_whole)
#define TRAP_PAGE (TRAP_page_fault | TRAP_code | TRAP_place)

const struct shape trap_shapes[] = {
	TRAP(pid, ": segfault at ", "{a} ip {i} sp {s} error {e}", "segfault", SIGSEGV, TRAP_PAGE),
	TRAP(pid, ": segfault at ", "{a} ip {i} (rpc {d}) sp {s} error {e}", "segfault", SIGSEGV,
	     TRAP_place), /* sparc */
	TRAP_X86(" trap divide error", "divide_error", SIGFPE),
	TRAP_X86(" trap overflow", "overflow", SIGSEGV),
	TRAP_X86(" trap bounds", "bounds", SIGSEGV),
	TRAP_X86(" trap invalid opcode", "invalid_opcode", SIGILL),
	TRAP_X86(" trap coprocessor segment overrun", "coprocessor_segment_overrun", SIGFPE),
	TRAP_X86(" trap invalid TSS", "invalid_tss", SIGSEGV),
	TRAP_X86(" trap segment not present", "segment_not_present", SIGBUS),
	TRAP_X86(" trap stack segment", "stack_segment", SIGBUS),
	TRAP_X86(" trap alignment check", "alignment_check", SIGBUS),
	TRAP_X86(" trap int3", "int3", SIGTRAP),
	TRAP_X86(" trap iret exception", "iret_exception", SIGILL),
	TRAP_X86(" general protection fault", "general_protection", SIGSEGV),
	TRAP_X86(" general protection", "general_protection", SIGSEGV), /* up to 5.4 */
	TRAP(pid, " trap ", "{w*} ip:{i} sp:{s} error:{e}", "other", 0, TRAP_prefix | TRAP_place),
	/* Up to 3.4, as the words of the page fault's still are. */
	TRAP(pid, ": trap invalid opcode ip ", "{i} sp {s} error {e}", "invalid_opcode", SIGILL,
	     TRAP_place),
	TRAP(pid, " control protection ip:", "{i} sp:{s} ssp:{d} error:{e}({w^})< in enclave>",
	     "control_protection", SIGSEGV, TRAP_prefix | TRAP_place),
	TRAP(pid, " bad frame in ", "{w*} frame:{a} ip:{i} sp:{s} orax:{d}", "bad_frame", SIGSEGV,
	     TRAP_place),
	TRAP(pid, " umip emulation segfault ip:", "{i} sp:{s} error:{e}", "umip", SIGSEGV,
	     TRAP_prefix),
	TRAP(pid, " ip:", "{i} sp:{s}: {w*}.$", "umip", 0, TRAP_prefix),
	TRAP_VSYSCALL(" misaligned vsyscall", SIGSEGV),
	TRAP_VSYSCALL(" vsyscall ", SIGSEGV),
	TRAP_VSYSCALL(" seccomp tried ", SIGSYS),
	TRAP(start, "x86/split lock detection: #AC: ",
	     "{c@}/{p#}< ({z^})> took a split_lock trap at address: {i}$", "split_lock", 0, 0),
	TRAP(start, "x86/split lock detection: #DB: ",
	     "{c@}/{p#}< ({z^})> took a bus_lock trap at address: {i}$", "bus_lock", 0, 0),
	/* arm64 since 4.20, and before. */
	TRAP(pid, ": unhandled exception: ", "<{z*}, ESR {e}, >{w*}", "unhandled_exception", 0,
	     TRAP_esr | TRAP_dump),
	TRAP(pid, ": unhandled ", "{w*} ({g#}) at {a}, esr {e}<,>", "unhandled_exception", 0,
	     TRAP_esr | TRAP_dump | TRAP_place),
	TRAP(name, ": unhandled ", "{w*} ({g#}) at {a}, code {e}", "unhandled_exception", 0,
	     TRAP_esr),
	TRAP(name, ": undefined instruction: pc=", "{i}", "invalid_opcode", SIGILL, 0),
	/* riscv, and powerpc up to 4.18. */
	TRAP(pid, ": unhandled signal ", "{g#} code {d} at {a}", "unhandled_signal", 0,
	     TRAP_dump | TRAP_place),
	TRAP(pid, ": unhandled signal ", "{g#} at {a} nip {i} lr {d} code {d}", "unhandled_signal",
	     0, TRAP_place),
	TRAP_PPC("segfault", "segfault"),
	TRAP_PPC("bus error", "bus_error"),
	TRAP_PPC("illegal instruction", "invalid_opcode"),
	TRAP_PPC("floating point exception", "divide_error"),
	TRAP(start, "User process fault: interruption code ", "{e}< ilc:{d#}>",
	     "unhandled_exception", 0, TRAP_dump | TRAP_place),
	/* mips, loongarch */
	TRAP(start, "do_page_fault(): sending SIGSEGV to ",
	     "{c@} for invalid {v^} access <from ><to >{a}", "segfault", SIGSEGV, 0),
	{ .words = NULL },
};
