/* SPDX-License-Identifier: Apache-2.0 */
/* bench-json - events a second of processor time: our encoder beside snprintf, same fields. */
#include <stdio.h>

#include "bench.h"
#include "event/encode.h"

#define EVENTS 1000000

static const struct event_origin origin = {
	.host = "bench",
	.run_id = "0123456789abcdef",
	.program = "bench",
	.version = "0",
};

static void make_event(struct event *event, uint64_t n)
{
	event_init(event, EVENT_process_exit, 1795320578568000000ull + n, n);
	event->serial = n;
	event_number(event, FIELD_pid, 4711 + n % 1000);
	event_number(event, FIELD_ppid, 1200);
	event_number(event, FIELD_uid, 1000);
	event_number(event, FIELD_exit_code, n % 2);
	event_text(event, FIELD_comm, SLICE("syscaller"));
	event_text(event, FIELD_exe, SLICE("/usr/bin/syscaller"));
}

static uint64_t sum; /* keeps the compiler from dropping the work */

static void encode_ours(struct text *out)
{
	struct event event;

	for (uint64_t n = 0; n < EVENTS; n++) {
		make_event(&event, n);
		if (out->bytes > 60000)
			text_clear(out);
		event_put_json(&event, &origin, out);
		text_putc(out, '\n');
		sum += out->bytes;
	}
}

/* What a program without an encoder would write; the time as two numbers, which is cheaper. */
static void encode_snprintf(struct text *out)
{
	char *at = text_reserve(out, 65536);

	for (uint64_t n = 0; n < EVENTS; n++) {
		sum += (uint64_t)snprintf(
			at, 1024,
			"{\"time\":\"%llu.%09llu\",\"event.name\":\"%s\",\"severity\":\"%s\","
			"\"event.id\":\"%s-%llx\",\"host.name\":\"%s\",\"process.pid\":%u,"
			"\"process.parent_pid\":%u,\"process.user.id\":%u,\"process.exit.code\":%u,"
			"\"process.comm\":\"%s\",\"process.executable.path\":\"%s\"}\n",
			1795320578ull, 568000000ull + (unsigned long long)n, "process.exit", "info",
			origin.run_id, (unsigned long long)n, origin.host,
			4711 + (unsigned)(n % 1000), 1200u, 1000u, (unsigned)(n % 2), "syscaller",
			"/usr/bin/syscaller");
	}
}

static double million_a_second(void (*encode)(struct text *out))
{
	double rounds[BENCH_ROUNDS];

	for (int n = 0; n < BENCH_ROUNDS; n++) {
		auto_text struct text out = { 0 };
		double start = bench_cpu_s();

		encode(&out);
		rounds[n] = EVENTS / 1e6 / (bench_cpu_s() - start);
	}
	return bench_median(rounds);
}

int main(void)
{
	double theirs = million_a_second(encode_snprintf);
	double ours = million_a_second(encode_ours);

	printf("json %.1f million events/CPU-s, snprintf %.1f, ratio %.2f (sum %llu)\n", ours,
	       theirs, ours / theirs, (unsigned long long)sum);
	return 0;
}
