/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/klog/klog.h"

#include <errno.h>

#include "base/clock.h"
#include "sensor/klog/inside.h"

int klog_new(struct klog **ret_klog, struct event_port *out, struct error *err)
{
	struct klog *klog = calloc(1, sizeof(*klog));

	if (!klog)
		return error_errno(err, ENOMEM, "read the kernel log");
	klog->out = out;
	shape_index_init(&klog->index);
	*ret_klog = klog;
	return 0;
}

void klog_free(struct klog *klog)
{
	if (!klog)
		return;
	for (size_t n = 0; n < array_count(klog->open); n++)
		text_done(&klog->open[n].text);
	text_done(&klog->piece);
	free(klog);
}

/* --- events --- */

struct event *klog_begin(struct klog *klog, enum event_kind kind, const struct line *line)
{
	const struct kmsg_record *record = line->record;
	struct event *event = &klog->event;

	event_init(event, kind, line->wall_ns, line->boot_ns);
	if (record->has_sequence)
		event_number(event, FIELD_kmsg_sequence, record->sequence);
	if (record->has_level)
		event_text(event, FIELD_kmsg_level, slice_of(kmsg_levels[record->level]));
	event_text(event, FIELD_kmsg_text, line->whole);
	return event;
}

/* All that is believed of it is that somebody wrote it. */
static void klog_emit_forged(struct klog *klog, const struct line *line)
{
	struct slice comm = event_text_of(&klog->event, FIELD_comm);
	uint64_t pid = event_number_of(&klog->event, FIELD_pid);
	struct event *event = klog_begin(klog, EVENT_kmsg_forged, line);

	event_text(event, FIELD_kmsg_facility, slice_of(kmsg_facility(line->record->facility)));
	klog_put_text(event, FIELD_comm, comm);
	if (pid)
		klog_put_number(event, FIELD_pid, pid);
	klog->out->emit(klog->out, event);
}

void klog_emit(struct klog *klog, const struct line *line)
{
	char *lines = (char *)line->whole.at;

	if (line->record->facility != KMSG_FACILITY_kern) {
		klog_emit_forged(klog, line);
		return;
	}
	/* A report's lines have been told apart; people read them with line ends. */
	if (line->whole.at == line->text.at && line->whole.bytes > line->text.bytes)
		for (size_t n = line->text.bytes; n < line->whole.bytes; n++)
			if (lines[n] == '\0')
				lines[n] = '\n';
	klog->suppressed += event_number_of(&klog->event, FIELD_suppressed_count);
	klog->out->emit(klog->out, &klog->event);
}

uint64_t klog_suppressed(const struct klog *klog)
{
	return klog->suppressed;
}

void klog_put_text(struct event *event, enum event_field field, struct slice text)
{
	if (text.bytes && !event_has(event, field) && event_kind_has(event->kind, field))
		event_text(event, field, text);
}

void klog_put_number(struct event *event, enum event_field field, uint64_t number)
{
	if (!event_has(event, field) && event_kind_has(event->kind, field))
		event_number(event, field, number);
}

void klog_put_signal(struct event *event, uint64_t signo)
{
	if (signo >= 1 && signo <= 64 && !event_has(event, FIELD_signal) &&
	    event_kind_has(event->kind, FIELD_signal))
		event_signal(event, (int)signo);
}

static const struct klog_letter {
	char letter;
	enum event_field field;
} klog_letters[] = {
	{ 'a', FIELD_fault_address },
	{ 'i', FIELD_fault_ip },
	{ 's', FIELD_fault_sp },
	{ 'e', FIELD_fault_code },
	{ 'w', FIELD_fault_reason },
	{ 'v', FIELD_fault_access },
	{ 'c', FIELD_comm },
	{ 'p', FIELD_pid },
	{ 'x', FIELD_exe },
	{ 'l', FIELD_command_line },
	{ 'o', FIELD_other_comm },
	{ 'q', FIELD_other_pid },
	{ 'r', FIELD_lsm_operation },
	{ 'm', FIELD_kernel_module },
	{ 't', FIELD_report_title },
	{ 'u', FIELD_cpu },
	{ 'f', FIELD_suppressed_function },
	{ 'n', FIELD_suppressed_count },
};

void klog_put(struct event *event, const struct match *match)
{
	for (size_t n = 0; n < array_count(klog_letters); n++) {
		const struct klog_letter *row = &klog_letters[n];

		if (match_has_number(match, row->letter))
			klog_put_number(event, row->field, match_number(match, row->letter));
		else
			klog_put_text(event, row->field, match_text(match, row->letter));
	}
	klog_put_signal(event, match_number(match, 'g'));
	if (match_has_number(match, 'b'))
		klog_put_number(event, FIELD_task_blocked, match_number(match, 'b') * NS_PER_S);
}

/* --- records --- */

static void klog_take_line(struct klog *klog, struct line *line)
{
	bool ours = line->record->facility == KMSG_FACILITY_kern;

	if (!(klog->open_count && ours && gather_offer(klog, line)))
		shape_dispatch(&klog->index, klog, line);
}

static void klog_end_piece(struct klog *klog)
{
	struct line line = { .record = &klog->piece_record,
			     .text = text_slice(&klog->piece),
			     .whole = text_slice(&klog->piece),
			     .wall_ns = klog->piece_wall_ns,
			     .boot_ns = klog->piece_boot_ns };

	klog->piece_open = false;
	if (!klog->piece.failed)
		klog_take_line(klog, &line);
	text_clear(&klog->piece);
}

/*
 * Kernels up to 4.9 mark the first piece 'c' and those behind it '+'. Later ones mark as 'c' what
 * continues the line before, when another's line came between them; it then starts with a blank.
 */
static void klog_take_piece(struct klog *klog, const struct line *line)
{
	bool continues = line->record->flag == '+' || slice_starts(line->text, SLICE(" "));

	if (!klog->piece_open && continues && gather_continue(klog, line))
		return;
	if (!klog->piece_open) {
		klog->piece_record = *line->record;
		klog->piece_record.flag = '-';
		klog->piece_record.caller = (struct slice){ "", 0 };
		klog->piece_wall_ns = line->wall_ns;
		klog->piece_boot_ns = line->boot_ns;
		klog->piece_open = true;
	}
	if (klog->piece.bytes + line->text.bytes <= KMSG_RECORD_BYTES)
		text_put(&klog->piece, line->text);
}

void klog_take(struct klog *klog, const struct kmsg_record *record, uint64_t wall_ns,
	       uint64_t boot_ns)
{
	struct line line = { .record = record,
			     .text = record->text,
			     .whole = record->text,
			     .wall_ns = wall_ns,
			     .boot_ns = boot_ns };
	bool piece = record->flag == 'c' || record->flag == '+';

	if (piece && record->facility == KMSG_FACILITY_kern) {
		klog_take_piece(klog, &line);
		return;
	}
	if (klog->piece_open)
		klog_end_piece(klog);
	klog_take_line(klog, &line);
}

bool klog_is_open(const struct klog *klog)
{
	return klog->open_count || klog->piece_open;
}

void klog_flush(struct klog *klog)
{
	if (klog->piece_open)
		klog_end_piece(klog);
	gather_finish_all(klog);
}
