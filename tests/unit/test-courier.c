/* SPDX-License-Identifier: Apache-2.0 */
/* The courier, with a receiver made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench-sink.h"

#include "sink/courier.h"
#include "sink/post.h"

#include <errno.h>

/* A receiver that answers as it is told, and keeps what it has taken. */
struct fake {
	struct courier courier;
	enum courier_verdict verdict;
	const char *poison; /* refuses what holds this */
	size_t limit;	    /* refuses more events than that at once; 0: none */
	bool silent;	    /* does not answer */
	unsigned int asked;
	size_t last_count;
	uint64_t wait_ns;
	struct text taken; /* one event a line */
};

static bool fake_refuses(const struct fake *fake, const struct spool_item *items, size_t count)
{
	if (fake->limit && count > fake->limit)
		return true;
	for (size_t n = 0; n < count; n++)
		if (fake->poison && slice_is(items[n].payload, fake->poison))
			return true;
	return false;
}

static void fake_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct fake *fake = container_of(courier, struct fake, courier);
	enum courier_verdict verdict = fake->verdict;
	struct error why;

	fake->asked++;
	fake->last_count = count;
	if (fake->silent)
		return;
	error_say(&why, EIO, "no luck");
	if (verdict == COURIER_delivered && fake_refuses(fake, items, count))
		verdict = COURIER_refused;
	for (size_t n = 0; verdict == COURIER_delivered && n < count; n++) {
		text_put(&fake->taken, items[n].payload);
		text_putc(&fake->taken, ' ');
	}
	courier_tell(courier, verdict, fake->wait_ns, &why);
}

static bool fake_wanted(const struct sink_settings *settings)
{
	return settings != NULL;
}

static int fake_open(struct sink *sink, struct error *err)
{
	struct fake *fake = sink->state;

	fake->courier.flush_count = 4;
	fake->courier.flush_ns = 3600 * NS_PER_S;
	fake->courier.batch_count = 8;
	fake->courier.batch_bytes = 4096;
	fake->courier.deliver = fake_deliver;
	return courier_open(&fake->courier, sink, err);
}

static void fake_put(struct sink *sink, const struct event *event)
{
	struct fake *fake = sink->state;

	courier_put(&fake->courier, event_text_of(event, FIELD_comm));
}

static void fake_flush(struct sink *sink)
{
	courier_flush(&((struct fake *)sink->state)->courier);
}

static bool fake_busy(const struct sink *sink)
{
	return courier_busy(&((const struct fake *)sink->state)->courier);
}

static void fake_close(struct sink *sink)
{
	struct fake *fake = sink->state;

	courier_close(&fake->courier);
	text_done(&fake->taken);
}

static const struct sink_kind fake_kind = {
	.name = "fake",
	.help = "",
	.state_bytes = sizeof(struct fake),
	.wanted = fake_wanted,
	.open = fake_open,
	.put = fake_put,
	.flush = fake_flush,
	.busy = fake_busy,
	.close = fake_close,
};

static struct fake *fake_init(void)
{
	bench_init();
	bench_open(&fake_kind);
	turn(); /* what an earlier run left would go out now */
	return bench.sink.state;
}

/* events + recovered = delivered + lost + skipped + waiting */
static void check_sum(const struct fake *fake)
{
	const struct sink *sink = &bench.sink;

	assert_int_equal(sink->events.value + fake->courier.spool->recovered,
			 sink->delivered.value + sink->lost.value + sink->skipped.value +
				 fake->courier.spool->count);
}

static void batches_go_when_enough_wait(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	for (unsigned int n = 0; n < 3; n++)
		put(n);
	turn();
	assert_int_equal(fake->asked, 0);
	assert_true(fake->courier.flush_timer.due_ns > 0);
	assert_true(sink_busy(&bench.sink));
	put(3);
	turn();
	assert_int_equal(fake->asked, 1);
	assert_string_equal(text_str(&fake->taken), "e0 e1 e2 e3 ");
	assert_true(fake->courier.flush_timer.due_ns == 0);
	turn();
	assert_int_equal(fake->asked, 1); /* nothing waits: nothing is sent */
	assert_false(sink_busy(&bench.sink));
	check_sum(fake);
	bench_done();
}

static void one_event_goes_when_it_has_waited(void **state)
{
	uint64_t limit_ns = clock_mono_ns() + 5 * NS_PER_S;
	struct fake *fake = fake_init();

	(void)state;
	fake->courier.flush_ns = 20 * NS_PER_MS;
	put(0);
	turn();
	assert_int_equal(fake->asked, 0);
	while (!fake->asked && clock_mono_ns() < limit_ns)
		assert_int_equal(loop_turn(bench.loop, 100, NULL), 0);
	assert_string_equal(text_str(&fake->taken), "e0 ");
	bench_done();
}

static void flushing_waits_for_nothing(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	for (unsigned int n = 0; n < 11; n++)
		put(n);
	sink_flush(&bench.sink);
	for (int n = 0; n < 4; n++)
		turn();
	assert_int_equal(bench.sink.delivered.value, 11);
	put(11);
	turn();
	turn();
	assert_int_equal(bench.sink.delivered.value, 11); /* the flush is over */
	check_sum(fake);
	bench_done();
}

static void one_delivery_is_under_way(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	fake->silent = true;
	for (unsigned int n = 0; n < 40; n++)
		put(n);
	for (int n = 0; n < 5; n++)
		turn();
	assert_int_equal(fake->asked, 1);
	assert_int_equal(fake->last_count, 8);
	courier_tell(&fake->courier, COURIER_delivered, 0, NULL);
	turn();
	assert_int_equal(fake->asked, 2);
	check_sum(fake);
	bench_done();
}

static void failures_pause_and_lose_nothing(void **state)
{
	struct fake *fake = fake_init();
	uint64_t pause_ns;

	(void)state;
	fake->verdict = COURIER_failed;
	for (unsigned int n = 0; n < 4; n++)
		put(n);
	turn();
	for (int n = 0; n < 5; n++)
		turn();
	assert_int_equal(fake->asked, 1);
	assert_int_equal(bench.sink.failures.value, 1);
	assert_false(sink_busy(&bench.sink));
	pause_ns = fake->courier.pause_timer.due_ns - clock_mono_ns();
	assert_true(pause_ns > 900 * NS_PER_MS && pause_ns < 1300 * NS_PER_MS);
	assert_string_equal(text_str(&bench.news), "sink 'fake': no luck\n");
	sink_flush(&bench.sink); /* one try more, however long the pause */
	turn();
	assert_int_equal(fake->asked, 2);
	assert_string_equal(text_str(&bench.news), "sink 'fake': no luck\n"); /* said once */
	fake->verdict = COURIER_delivered;
	sink_flush(&bench.sink);
	turn();
	assert_string_equal(text_str(&fake->taken), "e0 "); /* less and less at once */
	turn();
	turn();
	assert_string_equal(text_str(&fake->taken), "e0 e1 e2 e3 ");
	assert_string_equal(
		text_str(&bench.news),
		"sink 'fake': no luck\nwell: sink 'fake': events are delivered again\n");
	assert_int_equal(bench.sink.lost.value, 0);
	check_sum(fake);
	bench_done();
}

static void pauses_grow_to_a_minute(void **state)
{
	(void)state;
	assert_int_equal(courier_pause_ns(COURIER_failed, 1, 0), 1 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 2, 0), 2 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 6, 0), 32 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 7, 0), 60 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 1000, 0), 60 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 1, 5 * NS_PER_S), 5 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 7, 5 * NS_PER_S), 60 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_failed, 1, UINT64_MAX), 3600 * NS_PER_S);
	assert_int_equal(courier_pause_ns(COURIER_denied, 1, 0), 60 * NS_PER_S);
}

static void only_the_refused_event_is_lost(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	fake->poison = "e5";
	for (unsigned int n = 0; n < 8; n++)
		put(n);
	for (int n = 0; n < 12; n++)
		turn();
	assert_string_equal(text_str(&fake->taken), "e0 e1 e2 e3 e4 e6 e7 ");
	assert_int_equal(bench.sink.delivered.value, 7);
	assert_int_equal(bench.sink.lost.value, 1);
	assert_true(fake->asked <= 9);
	check_sum(fake);
	bench_done();
}

static void batches_shrink_to_what_the_receiver_takes(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	fake->limit = 3;
	for (unsigned int n = 0; n < 8; n++)
		put(n);
	for (int n = 0; n < 12; n++)
		turn();
	assert_string_equal(text_str(&fake->taken), "e0 e1 e2 e3 e4 e5 e6 e7 ");
	assert_int_equal(bench.sink.lost.value, 0);
	bench_done();
}

/* A wrong URL may refuse every event there is: that must not empty the queue in a moment. */
static void refusing_everything_is_slowed_down(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	fake->verdict = COURIER_refused;
	for (unsigned int n = 0; n < 100; n++)
		put(n);
	for (int n = 0; n < 50; n++)
		turn();
	assert_int_equal(bench.sink.lost.value, 2);
	assert_true(fake->courier.pause_timer.due_ns > 0);
	check_sum(fake);
	bench_done();
}

static void a_part_may_be_delivered(void **state)
{
	struct fake *fake = fake_init();
	struct error why;

	(void)state;
	fake->silent = true;
	for (unsigned int n = 0; n < 4; n++)
		put(n);
	turn();
	courier_delivered(&fake->courier, 3);
	error_say(&why, EMSGSIZE, "too long");
	courier_tell(&fake->courier, COURIER_refused, 0, &why);
	assert_int_equal(bench.sink.delivered.value, 3);
	assert_int_equal(bench.sink.lost.value, 1);
	check_sum(fake);
	bench_done();
}

static void what_waits_outlives_the_program(void **state)
{
	struct fake *fake = fake_init();

	(void)state;
	for (unsigned int n = 0; n < 3; n++)
		put(n);
	turn();
	sink_close(&bench.sink);
	bench_open(&fake_kind);
	fake = bench.sink.state;
	turn();
	assert_string_equal(text_str(&fake->taken), "e0 e1 e2 ");
	assert_int_equal(metrics_total(&bench.metrics, METRIC_sink_recovered), 3);
	check_sum(fake);
	bench_done();
}

static void overflow_is_counted_and_said(void **state)
{
	struct fake *fake = fake_init();
	static char large[50000];
	unsigned int count = 100;

	(void)state;
	fake->verdict = COURIER_failed;
	for (unsigned int n = 0; n < count; n++) {
		bench.sink.events.value++;
		courier_put(&fake->courier, (struct slice){ large, sizeof(large) });
	}
	assert_true(bench.sink.lost.value > 70);
	assert_non_null(strstr(text_str(&bench.news), "spool.size"));
	check_sum(fake);
	fake->verdict = COURIER_delivered;
	fake->courier.batch_bytes = sizeof(large);
	sink_flush(&bench.sink);
	for (unsigned int n = 0; n < count; n++)
		turn();
	assert_non_null(strstr(text_str(&bench.news), "well: sink 'fake': no more"));
	check_sum(fake);
	bench_done();
}

static void http_statuses_mean_what_they_say(void **state)
{
	(void)state;
	assert_int_equal(post_verdict(202), COURIER_delivered);
	assert_int_equal(post_verdict(301), COURIER_failed);
	assert_int_equal(post_verdict(400), COURIER_refused);
	assert_int_equal(post_verdict(401), COURIER_denied);
	assert_int_equal(post_verdict(403), COURIER_denied);
	assert_int_equal(post_verdict(404), COURIER_failed);
	assert_int_equal(post_verdict(408), COURIER_failed);
	assert_int_equal(post_verdict(413), COURIER_refused);
	assert_int_equal(post_verdict(422), COURIER_refused);
	assert_int_equal(post_verdict(429), COURIER_failed);
	assert_int_equal(post_verdict(503), COURIER_failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_go_when_enough_wait),
		cmocka_unit_test(one_event_goes_when_it_has_waited),
		cmocka_unit_test(flushing_waits_for_nothing),
		cmocka_unit_test(one_delivery_is_under_way),
		cmocka_unit_test(failures_pause_and_lose_nothing),
		cmocka_unit_test(pauses_grow_to_a_minute),
		cmocka_unit_test(only_the_refused_event_is_lost),
		cmocka_unit_test(batches_shrink_to_what_the_receiver_takes),
		cmocka_unit_test(refusing_everything_is_slowed_down),
		cmocka_unit_test(a_part_may_be_delivered),
		cmocka_unit_test(what_waits_outlives_the_program),
		cmocka_unit_test(overflow_is_counted_and_said),
		cmocka_unit_test(http_statuses_mean_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
