/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/klog/gather.h"

#include "sensor/klog/inside.h"

/* --- its text --- */

static void gather_append(struct gather *gather, struct slice text)
{
	size_t used = gather->text.bytes;
	size_t room = used < GATHER_TEXT_BYTES ? GATHER_TEXT_BYTES - used : 0;
	char *at;

	if (gather->cut)
		return;
	gather->cut = text.bytes > room;
	text = slice_first(text, room);
	at = text_reserve(&gather->text, text.bytes);
	if (!at)
		return;
	/* NUL is the mark between lines; the kernel's own lines can't hold one. */
	for (size_t n = 0; n < text.bytes; n++)
		at[n] = text.at[n] ? text.at[n] : ' ';
	gather->text.bytes += text.bytes;
}

static void gather_add_line(struct gather *gather, const struct line *line)
{
	if (gather->lines++ && !gather->cut)
		text_putc(&gather->text, '\0');
	gather_append(gather, line->text);
	if (line->record->has_us)
		gather->last_us = line->record->us;
	gather->strangers = 0;
}

bool gather_has(const struct gather *gather, struct slice start)
{
	struct slice rest = text_slice(&gather->text), line;

	while (slice_next(&rest, '\0', &line))
		if (slice_starts(line, start))
			return true;
	return false;
}

/* --- the open ones --- */

static void gather_drop(struct klog *klog, size_t n)
{
	struct gather gone = klog->open[n];

	klog->open_count--;
	memmove(&klog->open[n], &klog->open[n + 1], (klog->open_count - n) * sizeof(klog->open[0]));
	/* Behind the others it lends its memory to the next. */
	text_clear(&gone.text);
	klog->open[klog->open_count] = gone;
}

static void gather_finish(struct klog *klog, size_t n)
{
	struct gather *gather = &klog->open[n];
	struct line first = { .record = &gather->record,
			      .wall_ns = gather->wall_ns,
			      .boot_ns = gather->boot_ns };
	struct slice rest;

	if (gather->cut) {
		text_putc(&gather->text, '\0');
		text_put(&gather->text, SLICE(GATHER_CUT));
	}
	first.whole = rest = text_slice(&gather->text);
	if (!gather->text.failed && slice_next(&rest, '\0', &first.text) &&
	    shape_locate(gather->shape, &first))
		gather->kind->finish(klog, gather, &first);
	gather_drop(klog, n);
}

void gather_finish_all(struct klog *klog)
{
	while (klog->open_count)
		gather_finish(klog, 0);
}

bool gather_open(struct klog *klog, const struct gather_kind *kind, const struct shape *shape,
		 const struct line *line)
{
	struct gather *gather;
	struct text text;

	if (line->record->facility != KMSG_FACILITY_kern) {
		klog_begin(klog, shape->kind, line);
		klog_emit(klog, line);
		return true;
	}
	if (klog->open_count == GATHER_OPEN)
		gather_finish(klog, 0);
	gather = &klog->open[klog->open_count++];
	text = gather->text;
	*gather = (struct gather){ .kind = kind,
				   .shape = shape,
				   .record = *line->record,
				   .wall_ns = line->wall_ns,
				   .boot_ns = line->boot_ns,
				   .last_us = line->record->us,
				   .text = text };
	slice_copy(line->record->caller, gather->caller, sizeof(gather->caller));
	gather->record.text = gather->record.caller = (struct slice){ "", 0 };
	gather_add_line(gather, line);
	return true;
}

/* --- lines for them --- */

static bool gather_is_expired(const struct gather *gather, const struct line *line)
{
	return gather->strangers >= GATHER_STRANGERS ||
	       (line->record->has_us && gather->record.has_us &&
		line->record->us > gather->last_us + GATHER_SILENCE_US);
}

static bool gather_is_writer(const struct gather *gather, const struct line *line)
{
	return !gather->caller[0] || !line->record->caller.bytes ||
	       slice_is(line->record->caller, gather->caller);
}

static enum gather_verdict gather_ask(const struct klog *klog, struct gather *gather,
				      const struct line *line)
{
	return gather_is_writer(gather, line) ? gather->kind->wants(klog, gather, line)
					      : GATHER_stranger;
}

bool gather_offer(struct klog *klog, const struct line *line)
{
	for (size_t n = 0; n < klog->open_count;) {
		struct gather *gather = &klog->open[n];
		enum gather_verdict verdict;

		if (gather_is_expired(gather, line)) {
			gather_finish(klog, n);
			continue;
		}
		verdict = gather_ask(klog, gather, line);
		if (verdict == GATHER_over) {
			gather_finish(klog, n);
			continue;
		}
		if (verdict == GATHER_stranger) {
			n++;
			continue;
		}
		gather_add_line(gather, line);
		if (verdict == GATHER_last)
			gather_finish(klog, n);
		return true;
	}
	for (size_t n = 0; n < klog->open_count; n++)
		klog->open[n].strangers++;
	return false;
}

bool gather_continue(struct klog *klog, const struct line *piece)
{
	for (size_t n = klog->open_count; n-- > 0;) {
		struct gather *gather = &klog->open[n];

		if (!gather_is_expired(gather, piece) && gather_is_writer(gather, piece)) {
			gather_append(gather, piece->text);
			return true;
		}
	}
	return false;
}
