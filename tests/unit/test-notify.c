/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Stands for the manager: binds `name` ('@' for an abstract one) and names it in the environment.
 */
static int manager_new(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t bytes = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, bytes);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	bytes += offsetof(struct sockaddr_un, sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)bytes), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *manager_hears(int fd)
{
	static char words[200];
	ssize_t bytes = recv(fd, words, sizeof(words) - 1, MSG_DONTWAIT);

	words[bytes < 0 ? 0 : bytes] = '\0';
	return words;
}

static void the_manager_hears_by_a_path_and_by_an_abstract_name(void **state)
{
	char names[2][64];

	(void)state;
	snprintf(names[0], sizeof(names[0]), "/tmp/test-notify-%d", getpid());
	snprintf(names[1], sizeof(names[1]), "@test-notify-%d", getpid());
	for (size_t n = 0; n < 2; n++) {
		int fd = manager_new(names[n]);

		notify_send(SLICE("READY=1"));
		assert_string_equal(manager_hears(fd), "READY=1");
		assert_string_equal(manager_hears(fd), "");
		close(fd);
	}
	unlink(names[0]);
}

static void a_reload_carries_its_time(void **state)
{
	uint64_t before_us = clock_mono_ns() / NS_PER_US, said_us;
	struct slice words;
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@test-notify-%d", getpid());
	fd = manager_new(name);
	notify_reloading();
	words = slice_of(manager_hears(fd));
	assert_true(slice_eat(&words, SLICE("RELOADING=1\nMONOTONIC_USEC=")));
	assert_true(slice_eat_u64(&words, &said_us));
	assert_true(said_us >= before_us && said_us <= clock_mono_ns() / NS_PER_US);
	close(fd);
}

static void nobody_to_tell_is_fine(void **state)
{
	char name[200];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_send(SLICE("READY=1"));
	setenv("NOTIFY_SOCKET", "", 1);
	notify_send(SLICE("READY=1"));
	setenv("NOTIFY_SOCKET", "/does/not/exist", 1);
	notify_send(SLICE("READY=1"));
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	notify_send(SLICE("READY=1"));
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	notify_send(SLICE("READY=1"));
}

static void only_our_own_watchdog_counts(void **state)
{
	char pid[20];

	(void)state;
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_true(notify_watchdog_ns() == 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_true(notify_watchdog_ns() == 30 * NS_PER_S);
	setenv("WATCHDOG_PID", "1", 1);
	assert_true(notify_watchdog_ns() == 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_true(notify_watchdog_ns() == 30 * NS_PER_S);
	setenv("WATCHDOG_USEC", "18446744073709551615", 1);
	assert_true(notify_watchdog_ns() == 0);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_true(notify_watchdog_ns() == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_hears_by_a_path_and_by_an_abstract_name),
		cmocka_unit_test(a_reload_carries_its_time),
		cmocka_unit_test(nobody_to_tell_is_fine),
		cmocka_unit_test(only_our_own_watchdog_counts),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
