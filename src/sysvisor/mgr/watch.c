/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/mgr/watch.h"

#include <errno.h>
#include <sys/inotify.h>

static void watch_on_ready(struct loop_fd *fd_watch, uint32_t events)
{
	struct watch *watch = container_of(fd_watch, struct watch, inotify);
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(fd_watch->fd, bytes, sizeof(bytes));

	(void)events;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(bytes + at);

		at += (ssize_t)(sizeof(*event) + event->len);
		if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
			watch->gone(watch, event->wd);
	}
}

int watch_init(struct watch *watch, struct loop *loop, struct error *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), r;

	watch->loop = loop;
	watch->inotify = (struct loop_fd){ .fd = -1, .ready = watch_on_ready };
	if (fd < 0)
		return error_errno(
			err, errno,
			"watch containers' directories (see fs.inotify.max_user_instances)");
	r = loop_fd_add(loop, &watch->inotify, fd, EPOLLIN, err);
	if (r < 0)
		close(fd);
	return r;
}

void watch_done(struct watch *watch)
{
	int fd = watch->inotify.fd;

	if (!watch->loop || fd < 0)
		return;
	loop_fd_remove(watch->loop, &watch->inotify);
	close(fd);
}

int watch_add(struct watch *watch, const char *path, struct error *err)
{
	int number = inotify_add_watch(watch->inotify.fd, path,
				       IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);

	if (number < 0)
		return error_errno(err, errno, "watch '%s'%s", path,
				   errno == ENOSPC ? " (see fs.inotify.max_user_watches)" : "");
	return number;
}

void watch_remove(struct watch *watch, int number)
{
	/* One whose directory is gone is gone, too. */
	if (number >= 0 && inotify_rm_watch(watch->inotify.fd, number) < 0)
		return;
}
