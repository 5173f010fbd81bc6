/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/view.h"

#define LOAD_ONE (1u << VIEW_LOAD_SHIFT)

/* exp(-5 s / 1, 5, 15 min) with 11 bits of fraction: the constants of the kernel's own average
 * (include/linux/sched/loadavg.h). */
static const uint64_t load_decay[3] = { 1884, 2014, 2037 };

void view_load_step(struct view_load *load, uint64_t active)
{
	uint64_t target = active << VIEW_LOAD_SHIFT;

	for (size_t n = 0; n < array_count(load_decay); n++) {
		uint64_t next =
			load->average[n] * load_decay[n] + target * (LOAD_ONE - load_decay[n]);

		if (target >= load->average[n])
			next += LOAD_ONE - 1; /* otherwise it never quite arrives */
		load->average[n] = next / LOAD_ONE;
	}
}

void view_loadavg(const struct view_load *load, struct text *out)
{
	for (size_t n = 0; n < array_count(load->average); n++) {
		uint64_t rounded = load->average[n] + LOAD_ONE / 200;

		text_u64(out, rounded >> VIEW_LOAD_SHIFT, 0);
		text_putc(out, '.');
		text_u64(out, (rounded & (LOAD_ONE - 1)) * 100 >> VIEW_LOAD_SHIFT, 2);
		text_putc(out, ' ');
	}
	text_u64(out, load->running, 0);
	text_putc(out, '/');
	text_u64(out, load->total, 0);
	text_putc(out, ' ');
	text_u64(out, load->last_pid, 0);
	text_putc(out, '\n');
}
