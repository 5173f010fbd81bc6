/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpus.h"

unsigned int cpus_count(const struct cpus *cpus)
{
	unsigned int count = 0;

	for (size_t n = 0; n < CPUS_MAX / 64; n++)
		count += (unsigned int)__builtin_popcountll(cpus->bits[n]);
	return count;
}

bool cpus_parse(struct slice list, struct cpus *ret_cpus)
{
	struct slice piece;

	*ret_cpus = (struct cpus){ 0 };
	list = slice_trim(list);
	while (slice_next(&list, ',', &piece)) {
		uint64_t first, last;

		if (!slice_eat_u64(&piece, &first))
			return false;
		last = first;
		if (slice_eat(&piece, SLICE("-")) && !slice_eat_u64(&piece, &last))
			return false;
		if (piece.bytes || last < first)
			return false;
		for (uint64_t cpu = first; cpu <= last && cpu < CPUS_MAX; cpu++)
			ret_cpus->bits[cpu / 64] |= 1ull << (cpu % 64);
	}
	return true;
}

void cpus_put(const struct cpus *cpus, struct text *out)
{
	bool comma = false;

	for (unsigned int first = 0; first < CPUS_MAX; first++) {
		unsigned int last = first;

		if (!cpus_has(cpus, first))
			continue;
		while (cpus_has(cpus, last + 1))
			last++;
		if (comma)
			text_putc(out, ',');
		comma = true;
		text_u64(out, first, 0);
		if (last > first) {
			text_putc(out, '-');
			text_u64(out, last, 0);
		}
		first = last;
	}
}

void cpus_intersect(struct cpus *cpus, const struct cpus *other)
{
	for (size_t n = 0; n < CPUS_MAX / 64; n++)
		cpus->bits[n] &= other->bits[n];
}

void cpus_trim(struct cpus *cpus, unsigned int count)
{
	for (size_t n = 0; n < CPUS_MAX; n++) {
		if (!cpus_has(cpus, n))
			continue;
		if (count == 0)
			cpus->bits[n / 64] &= ~(1ull << (n % 64));
		else
			count--;
	}
}
