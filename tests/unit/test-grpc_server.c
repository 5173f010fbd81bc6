/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC: our server, asked by our client; what only a foreign client can show is in
 * tests/sysvisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/grpc.h"
#include "wire/grpc_server.h"
#include "wire/sysvisor.pb-c.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct bench {
	struct loop *loop;
	struct grpc_server *server;
	struct grpc_channel *channel;
	struct grpc_service service;
	char path[64];
	struct grpc_request *kept;
	struct text long_text;
};

struct outcome {
	struct grpc_call call;
	bool done;
	enum grpc_status status;
	struct error err;
};

/* --- a service whose methods do what the tests need --- */

static void on_register(struct grpc_request *request, const ProtobufCMessage *message)
{
	const Sysvisor__V1__FilesystemRegisterRequest *asked = (const void *)message;
	Sysvisor__V1__FilesystemRegisterAnswer answer =
		SYSVISOR__V1__FILESYSTEM_REGISTER_ANSWER__INIT;

	answer.mount = asked->id;
	grpc_answer(request, &answer.base);
}

static void on_unregister(struct grpc_request *request, const ProtobufCMessage *message)
{
	(void)message;
	grpc_refuse(request, GRPC_not_found, "no container 'ä', 100%\n");
}

static void on_list(struct grpc_request *request, const ProtobufCMessage *message)
{
	struct bench *bench = grpc_owner(request);

	(void)message;
	bench->kept = request;
}

static void on_version(struct grpc_request *request, const ProtobufCMessage *message)
{
	struct bench *bench = grpc_owner(request);
	Sysvisor__V1__VersionAnswer answer = SYSVISOR__V1__VERSION_ANSWER__INIT;

	(void)message;
	for (size_t n = 0; n < 3000000; n++)
		text_putc(&bench->long_text, 'x');
	answer.version = (char *)(uintptr_t)text_str(&bench->long_text);
	grpc_answer(request, &answer.base);
}

static grpc_handler *const handlers[] = { on_register, on_unregister, on_list, on_version,
					  on_list };

static int bench_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_int_equal(loop_new(&bench->loop, NULL), 0);
	snprintf(bench->path, sizeof(bench->path), "/tmp/test-grpc_server-%d.sock", getpid());
	unlink(bench->path);
	bench->service = (struct grpc_service){
		.descriptor = &sysvisor__v1__filesystem__descriptor,
		.handlers = handlers,
		.owner = bench,
	};
	assert_int_equal(
		grpc_server_new(&bench->server, bench->loop, bench->path, &bench->service, NULL),
		0);
	assert_int_equal(grpc_channel_new(&bench->channel, bench->loop, bench->path, NULL), 0);
	*state = bench;
	return 0;
}

static int bench_down(void **state)
{
	struct bench *bench = *state;

	grpc_channel_free(bench->channel);
	grpc_server_free(bench->server);
	loop_free(bench->loop);
	text_done(&bench->long_text);
	free(bench);
	return 0;
}

static void outcome_set(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct outcome *outcome = container_of(call, struct outcome, call);

	assert_false(outcome->done);
	outcome->done = true;
	outcome->status = status;
	outcome->err = *err;
}

static void bench_start(struct bench *bench, struct outcome *outcome, const char *method,
			const char *id)
{
	Sysvisor__V1__FilesystemRegisterRequest request =
		SYSVISOR__V1__FILESYSTEM_REGISTER_REQUEST__INIT;

	outcome->done = false;
	outcome->call.method = method;
	outcome->call.done = outcome_set;
	request.id = (char *)(uintptr_t)id;
	assert_int_equal(grpc_start(bench->channel, &outcome->call, &request.base, &outcome->err),
			 0);
}

static void bench_wait(struct bench *bench, struct outcome *outcome)
{
	for (int n = 0; n < 10000 && !outcome->done; n++)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	assert_true(outcome->done);
}

static void assert_mount(const struct outcome *outcome, const char *mount)
{
	Sysvisor__V1__FilesystemRegisterAnswer *answer;

	assert_string_equal(outcome->err.text, "");
	answer = sysvisor__v1__filesystem_register_answer__unpack(
		NULL, outcome->call.answer.bytes, (const uint8_t *)outcome->call.answer.at);
	assert_non_null(answer);
	assert_string_equal(answer->mount, mount);
	sysvisor__v1__filesystem_register_answer__free_unpacked(answer, NULL);
}

/* --- tests --- */

#define METHOD(name) "/sysvisor.v1.Filesystem/" name

static void many_calls_at_once(void **state)
{
	static struct outcome outcomes[200]; /* more than streams are allowed: some wait */
	struct bench *bench = *state;

	/* The first tells how many may be open. */
	bench_start(bench, &outcomes[0], METHOD("RegisterContainer"), "b");
	bench_wait(bench, &outcomes[0]);
	for (size_t n = 0; n < array_count(outcomes); n++)
		bench_start(bench, &outcomes[n], METHOD("RegisterContainer"), n % 2 ? "a" : "b");
	for (size_t n = 0; n < array_count(outcomes); n++) {
		bench_wait(bench, &outcomes[n]);
		assert_mount(&outcomes[n], n % 2 ? "a" : "b");
		grpc_call_done(&outcomes[n].call);
	}
}

static void refusals_have_their_words(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { 0 };

	bench_start(bench, &outcome, METHOD("UnregisterContainer"), "a");
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_not_found);
	assert_non_null(strstr(outcome.err.text, "not_found: no container 'ä', 100%\n"));
	bench_start(bench, &outcome, METHOD("Nonsense"), "a");
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_unimplemented);
	bench_start(bench, &outcome, "/other.Service/Version", "a");
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_unimplemented);
	grpc_call_done(&outcome.call);
}

static void large_answers_pass_large_requests_do_not(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { 0 };

	bench_start(bench, &outcome, METHOD("Version"), "a");
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_ok);
	assert_true(outcome.call.answer.bytes > 3000000);
	bench_start(bench, &outcome, METHOD("RegisterContainer"), text_str(&bench->long_text));
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_resource_exhausted);
	bench_start(bench, &outcome, METHOD("RegisterContainer"), "after");
	bench_wait(bench, &outcome);
	assert_mount(&outcome, "after");
	grpc_call_done(&outcome.call);
}

static void a_kept_request_is_answered_later(void **state)
{
	Sysvisor__V1__FilesystemListAnswer answer = SYSVISOR__V1__FILESYSTEM_LIST_ANSWER__INIT;
	struct bench *bench = *state;
	struct outcome outcome = { 0 };

	bench_start(bench, &outcome, METHOD("ListContainers"), "");
	while (!bench->kept)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	assert_false(outcome.done);
	grpc_answer(bench->kept, &answer.base);
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_ok);
	grpc_call_done(&outcome.call);
}

static void a_deadline_passes(void **state)
{
	Sysvisor__V1__FilesystemListAnswer answer = SYSVISOR__V1__FILESYSTEM_LIST_ANSWER__INIT;
	struct bench *bench = *state;
	struct outcome outcome = { .call.timeout_ms = 30 };

	bench_start(bench, &outcome, METHOD("ListContainers"), "");
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_deadline_exceeded);
	/* The handler comes too late, which harms nobody. */
	for (int n = 0; n < 5; n++)
		assert_int_equal(loop_turn(bench->loop, 10, NULL), 0);
	assert_non_null(bench->kept);
	grpc_answer(bench->kept, &answer.base);
	grpc_call_done(&outcome.call);
}

static void a_server_that_ends_leaves_kept_requests(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { 0 };

	bench_start(bench, &outcome, METHOD("Health"), "");
	while (!bench->kept)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	grpc_server_free(bench->server);
	bench->server = NULL;
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_unavailable);
	grpc_refuse(bench->kept, GRPC_internal, "too late");
	grpc_call_done(&outcome.call);
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	slice_copy(slice_of(path), address.sun_path, sizeof(address.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void noise_and_silence_hurt_nobody_else(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { 0 };
	int fds[63];

	for (size_t n = 0; n < array_count(fds); n++)
		fds[n] = dial(bench->path);
	assert_true(write(fds[0], "GET / HTTP/1.1\r\n\r\n", 18) == 18);
	bench_start(bench, &outcome, METHOD("RegisterContainer"), "a");
	bench_wait(bench, &outcome);
	assert_mount(&outcome, "a");
	grpc_call_done(&outcome.call);
	for (size_t n = 0; n < array_count(fds); n++)
		close(fds[n]);
	for (int n = 0; n < 5; n++)
		assert_int_equal(loop_turn(bench->loop, 10, NULL), 0);
}

static void the_socket_is_its_owners_alone(void **state)
{
	struct bench *bench = *state;
	struct grpc_server *second;
	struct error err;
	struct stat info;
	int fd;

	assert_int_equal(stat(bench->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(grpc_server_new(&second, bench->loop, bench->path, &bench->service, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, "another process does already"));
	grpc_server_free(bench->server);
	bench->server = NULL;
	/* What a killed server leaves behind is no hindrance. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	slice_copy(slice_of(bench->path), address.sun_path, sizeof(address.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(
		grpc_server_new(&bench->server, bench->loop, bench->path, &bench->service, &err),
		0);
}

static void timeouts_are_read(void **state)
{
	static const struct {
		const char *value;
		uint64_t ms;
	} cases[] = {
		{ "20S", 20000 }, { "150m", 150 }, { "1H", 3600000 }, { "2M", 120000 },
		{ "1u", 1 },	  { "1001u", 2 },  { "5n", 1 },	      { "0S", 1 },
		{ "", 0 },	  { "S", 0 },	   { "123", 0 },      { "123456789S", 0 },
		{ "1x", 0 },	  { "-1S", 0 },	   { "1SS", 0 },
	};

	(void)state;
	for (size_t n = 0; n < array_count(cases); n++)
		assert_int_equal(grpc_timeout_ms(slice_of(cases[n].value)), cases[n].ms);
}

static void words_survive_the_way(void **state)
{
	struct text back = { 0 };
	char encoded[32];

	(void)state;
	grpc_encode_words(SLICE("a%b\nc\xc3\xa4"), encoded, sizeof(encoded));
	assert_string_equal(encoded, "a%25b%0Ac%C3%A4");
	grpc_decode_words(slice_of(encoded), &back);
	assert_string_equal(text_str(&back), "a%b\nc\xc3\xa4");
	text_done(&back);
	grpc_encode_words(SLICE("aaaa%"), encoded, 7);
	assert_string_equal(encoded, "aaaa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(many_calls_at_once, bench_up, bench_down),
		cmocka_unit_test_setup_teardown(refusals_have_their_words, bench_up, bench_down),
		cmocka_unit_test_setup_teardown(large_answers_pass_large_requests_do_not, bench_up,
						bench_down),
		cmocka_unit_test_setup_teardown(a_kept_request_is_answered_later, bench_up,
						bench_down),
		cmocka_unit_test_setup_teardown(a_deadline_passes, bench_up, bench_down),
		cmocka_unit_test_setup_teardown(a_server_that_ends_leaves_kept_requests, bench_up,
						bench_down),
		cmocka_unit_test_setup_teardown(noise_and_silence_hurt_nobody_else, bench_up,
						bench_down),
		cmocka_unit_test_setup_teardown(the_socket_is_its_owners_alone, bench_up,
						bench_down),
		cmocka_unit_test(timeouts_are_read),
		cmocka_unit_test(words_survive_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
