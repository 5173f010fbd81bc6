/* SPDX-License-Identifier: Apache-2.0 */
#include "base/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"

/* The manager's socket; its bytes, or 0 when there is none. */
static socklen_t notify_address(struct sockaddr_un *address)
{
	struct slice path = slice_of(getenv("NOTIFY_SOCKET"));

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path.bytes < 2 || path.bytes >= sizeof(address->sun_path) ||
	    (path.at[0] != '/' && path.at[0] != '@'))
		return 0;
	memcpy(address->sun_path, path.at, path.bytes);
	if (path.at[0] == '@') /* an abstract one */
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.bytes);
}

void notify_send(struct slice lines)
{
	struct sockaddr_un address;
	socklen_t bytes = notify_address(&address);
	auto_fd int fd = -1;

	if (!bytes)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A manager that doesn't read must not hold us up. */
	if (fd >= 0)
		(void)!sendto(fd, lines.at, lines.bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (struct sockaddr *)&address, bytes);
}

void notify_reloading(void)
{
	auto_text struct text words = { 0 };

	text_printf(&words, "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		    (unsigned long long)(clock_mono_ns() / NS_PER_US));
	notify_send(text_slice(&words));
}

static bool notify_number(const char *name, uint64_t *ret_number)
{
	const char *value = getenv(name);

	return value && slice_u64(slice_of(value), ret_number);
}

uint64_t notify_watchdog_ns(void)
{
	uint64_t us, pid;

	if (!notify_number("WATCHDOG_USEC", &us) || us == 0 || us > UINT64_MAX / NS_PER_US)
		return 0;
	/* Meant for another process, whose environment we got. */
	if (notify_number("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid())
		return 0;
	return us * NS_PER_US;
}
