/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/limit.h"

/* kernel.printk_ratelimit as it comes; with another value shares are a little off. */
#define LIMIT_WINDOW_NS (5 * NS_PER_S)
/* One line says that a program has crashed, not that it crashes and crashes. */
#define LIMIT_LINES_MIN 2

static struct limit_share *limit_share_of(struct limit *limit, struct program *program)
{
	for (size_t n = 0; n < limit->count; n++)
		if (limit->shares[n].program == program)
			return &limit->shares[n];
	if (limit->count == LIMIT_PROGRAMS)
		return NULL;
	limit->shares[limit->count] = (struct limit_share){ .program = program };
	return &limit->shares[limit->count++];
}

void limit_line(struct limit *limit, struct program *program, bool told, uint64_t at_ns)
{
	struct limit_share *share;

	if (limit->start_ns == 0 || at_ns > limit->start_ns + LIMIT_WINDOW_NS)
		*limit = (struct limit){ .start_ns = at_ns };
	share = limit_share_of(limit, program);
	if (!share)
		return;
	share->lines++;
	limit->lines++;
	if (told && share->unlined)
		share->unlined--;
}

void limit_unlined(struct limit *limit, struct program *program)
{
	struct limit_share *share = limit->start_ns ? limit_share_of(limit, program) : NULL;

	if (share)
		share->unlined++;
}

uint64_t limit_share_out(const struct limit *limit, uint64_t held_back,
			 void (*weigh)(void *owner, struct program *program, uint64_t count),
			 void *owner)
{
	uint64_t nobodys = limit->lines ? 0 : held_back, known = 0;

	for (size_t n = 0; n < limit->count && limit->lines; n++) {
		const struct limit_share *share = &limit->shares[n];
		uint64_t count =
			(uint64_t)((double)held_back * (double)share->lines / (double)limit->lines);

		if (share->lines < LIMIT_LINES_MIN) {
			nobodys += count;
			known += share->unlined;
		} else if (count > share->unlined) {
			weigh(owner, share->program, count - share->unlined);
		}
	}
	return nobodys > known ? nobodys - known : 0;
}

void limit_end(struct limit *limit)
{
	*limit = (struct limit){ 0 };
}

void limit_forget(struct limit *limit, const struct program *program)
{
	for (size_t n = 0; n < limit->count; n++) {
		if (limit->shares[n].program != program)
			continue;
		limit->lines -= limit->shares[n].lines;
		limit->shares[n] = limit->shares[--limit->count];
		return;
	}
}

bool limit_prints_crashes(struct slice function)
{
	/* show_signal_msg, arm64_show_signal, show_unhandled_signal, do_trap_..., do_page_fault */
	static const struct slice words[] = {
		{ "signal", 6 }, { "trap", 4 }, { "fault", 5 }, { "protection", 10 }
	};

	for (size_t n = 0; n < array_count(words); n++)
		if (slice_find(function, words[n]) >= 0)
			return true;
	return false;
}
