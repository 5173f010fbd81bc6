/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/klog/dump.h"

#include <ctype.h>

#include "sensor/klog/inside.h"

/* --- registers --- */

/* First on their line: the line is known by them. */
static const char *const dump_first_registers[] = {
	"RIP",	"RSP", "RAX", "RDX", "RBP", "R10", "R13", "FS",	    "CS",  "CR2",
	"DR0",	"DR3", "EIP", "EAX", "ESI", "DS",  "CR0", "DR6",    "pc",  "lr",
	"sp",	"r10", "r7",  "r3",  "epc", "gp",  "tp",  "pstate", "pmr", "pmr_save",
	"PKRU", "t1",  "s1",  "a0",  "a1",  "a2",  "a5",  "s2",	    "s5",  "s8",
	"s11",	"t5",  "NIP", "ra",  "era", "a4",  "t0",  "t4",	    "t8",  "s0",
};

/* arm64 prints x29 to x0, three a line. */
static bool dump_is_numbered(struct slice name)
{
	uint64_t number;

	return slice_eat(&name, SLICE("x")) && slice_u64(name, &number) && number < 32;
}

static bool dump_is_first_register(struct slice name)
{
	for (size_t n = 0; n < array_count(dump_first_registers); n++)
		if (slice_is(name, dump_first_registers[n]))
			return true;
	return dump_is_numbered(name);
}

static bool dump_is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The word at the end, where blanks may follow. */
static struct slice dump_last_word(struct slice text)
{
	size_t start;

	text = slice_trim(text);
	start = text.bytes;
	while (start && dump_is_word(text.at[start - 1]))
		start--;
	return slice_skip(text, start);
}

/* "0033:0x7f..", "[<ffffffff8100>]", "00007f..(0000)": the address itself. */
static struct slice dump_value(struct slice value)
{
	struct slice selector, after = value;
	uint64_t number;
	ssize_t bracket;

	if (slice_cut(&after, ':', &selector) && selector.bytes == 4 &&
	    slice_hex(selector, &number))
		value = after;
	if (slice_eat(&value, SLICE("[<")) && slice_ends(value, SLICE(">]")))
		value.bytes -= 2;
	bracket = slice_find(value, SLICE("("));
	return bracket > 0 ? slice_first(value, (size_t)bracket) : value;
}

static bool dump_next_register(struct slice *rest, struct event_pair *pair)
{
	struct slice head, value;
	size_t bytes = 0;

	if (!slice_cut(rest, ':', &head))
		return false;
	pair->name = dump_last_word(head);
	while (rest->bytes && rest->at[0] == ' ')
		*rest = slice_skip(*rest, 1);
	while (bytes < rest->bytes && rest->at[bytes] != ' ')
		bytes++;
	value = slice_first(*rest, bytes);
	*rest = slice_skip(*rest, bytes);
	pair->text = dump_value(value);
	return true;
}

static bool dump_is_registers(struct slice text)
{
	struct slice rest = text;
	struct event_pair first;

	return text.bytes && text.at[0] != ':' && dump_next_register(&rest, &first) &&
	       first.text.bytes && first.name.at == slice_trim(text).at &&
	       dump_is_first_register(first.name);
}

struct slice dump_register(const struct dump *dump, const char *name)
{
	for (size_t n = 0; n < dump->pair_count; n++)
		if (slice_is(dump->pairs[n].name, name))
			return dump->pairs[n].text;
	return (struct slice){ "", 0 };
}

static void dump_read_registers(struct dump *dump, struct slice text)
{
	struct event_pair pair;

	while (dump->pair_count < dump->pair_room && dump_next_register(&text, &pair)) {
		bool known = false;

		for (size_t n = 0; n < dump->pair_count; n++)
			known |= slice_eq(dump->pairs[n].name, pair.name);
		if (!known && pair.name.bytes && pair.text.bytes && !slice_is(pair.name, "CPU"))
			dump->pairs[dump->pair_count++] = pair;
	}
}

/* --- the task --- */

/*
 * What stands behind the name. The name may hold the same words, but has at most 15 bytes: the
 * last place where they can start is theirs.
 */
static const char *const dump_behind_comm[] = { " Kdump: loaded ", " Not tainted ", " Tainted: " };

static bool dump_starts_behind_comm(struct slice text)
{
	for (size_t n = 0; n < array_count(dump_behind_comm); n++)
		if (slice_starts(text, slice_of(dump_behind_comm[n])))
			return true;
	return false;
}

static struct slice dump_cut_comm(struct slice *text)
{
	struct slice comm;

	for (size_t n = PATTERN_NAME_BYTES + 1; n-- > 0;) {
		if (n >= text->bytes || !dump_starts_behind_comm(slice_skip(*text, n)))
			continue;
		comm = slice_first(*text, n);
		*text = slice_skip(*text, n);
		return comm;
	}
	comm = slice_first(*text, PATTERN_NAME_BYTES);
	*text = slice_skip(*text, comm.bytes);
	return comm;
}

/* "G        W  OE     6.1.0-9-amd64 #1": flags are capital letters, a release starts with a
 * digit. */
static void dump_read_taint(struct dump *dump, struct slice text)
{
	size_t bytes = 0;

	while (bytes < text.bytes && !isdigit((unsigned char)text.at[bytes]))
		bytes++;
	dump->taint = slice_trim(slice_first(text, bytes));
	text = slice_skip(text, bytes);
	slice_next(&text, ' ', &dump->release);
}

static void dump_read_task(struct dump *dump, struct slice text)
{
	struct match match;

	if (dump->has_task ||
	    !pattern_match("CPU: {u#}< UID: {d#}> PID: {p#} Comm: ", text, &match))
		return;
	dump->has_task = true;
	dump->cpu = match_number(&match, 'u');
	dump->pid = match_number(&match, 'p');
	dump->uid = match_number(&match, 'd');
	dump->has_uid = match_has_number(&match, 'd');
	text = match.rest;
	dump->comm = dump_cut_comm(&text);
	slice_eat(&text, SLICE(" Kdump: loaded"));
	if (slice_eat(&text, SLICE(" Not tainted ")))
		slice_next(&text, ' ', &dump->release);
	else if (slice_eat(&text, SLICE(" Tainted: ")))
		dump_read_taint(dump, text);
}

/* --- lines --- */

static const char *const dump_around[] = {
	"Hardware name: ", "Tainted: [", "task: ", "Workqueue: ", "Last Breaking-Event-Address:",
};

enum dump_line dump_line_of(struct slice text)
{
	struct match match;

	if (slice_starts(text, SLICE("CPU: ")))
		return pattern_match("CPU: {u#}< UID: {d#}> PID: {p#} ", text, &match) ? DUMP_task
										       : DUMP_none;
	if (slice_starts(text, SLICE("Code: ")) || slice_starts(text, SLICE("code at ")))
		return DUMP_code;
	for (size_t n = 0; n < array_count(dump_around); n++)
		if (slice_starts(text, slice_of(dump_around[n])))
			return DUMP_around;
	return dump_is_registers(text) ? DUMP_registers : DUMP_none;
}

static void dump_read_code(struct dump *dump, struct slice text)
{
	struct slice head;

	if (dump->code.bytes || !slice_cut(&text, ':', &head))
		return;
	text = slice_trim(text);
	/* Or it says why there is none: "Unable to access opcode bytes at 0x...". */
	if (text.bytes && (isxdigit((unsigned char)text.at[0]) || text.at[0] == '<') &&
	    !slice_starts(text, SLICE("Bad ")))
		dump->code = text;
}

void dump_read(struct dump *dump, struct slice text)
{
	switch (dump_line_of(text)) {
	case DUMP_task:
		dump_read_task(dump, text);
		break;
	case DUMP_code:
		dump_read_code(dump, text);
		break;
	case DUMP_registers:
		dump_read_registers(dump, text);
		break;
	case DUMP_around:
	case DUMP_none:
		break;
	}
}

void dump_read_lines(struct dump *dump, struct slice lines)
{
	struct slice line;

	while (slice_next(&lines, '\0', &line))
		dump_read(dump, line);
}

static void dump_put_pointer(const struct dump *dump, struct event *event, enum event_field field,
			     const char *const *names)
{
	uint64_t value;

	for (; *names; names++)
		if (slice_hex(dump_register(dump, *names), &value))
			klog_put_number(event, field, value);
}

void dump_put(const struct dump *dump, struct event *event)
{
	static const char *const ip[] = { "RIP", "EIP", "pc", "epc", "era", "NIP", NULL };
	static const char *const sp[] = { "RSP", "ESP", "sp", NULL };

	dump_put_pointer(dump, event, FIELD_fault_ip, ip);
	dump_put_pointer(dump, event, FIELD_fault_sp, sp);
	if (dump->has_task) {
		klog_put_text(event, FIELD_comm, dump->comm);
		klog_put_number(event, FIELD_pid, dump->pid);
		klog_put_number(event, FIELD_cpu, dump->cpu);
		klog_put_text(event, FIELD_kernel_release, dump->release);
		klog_put_text(event, FIELD_kernel_taint, dump->taint);
	}
	if (dump->has_uid)
		klog_put_number(event, FIELD_uid, dump->uid);
	klog_put_text(event, FIELD_code_bytes, dump->code);
	if (dump->pair_count && event_kind_has(event->kind, FIELD_registers))
		event_map(event, FIELD_registers,
			  (struct event_map){ dump->pairs, dump->pair_count });
}
