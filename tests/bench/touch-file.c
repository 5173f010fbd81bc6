/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch-file COUNT FILE - opens, reads and closes a file again and again; prints the processor's
 * nanoseconds for each.
 *
 * touch-file --listen DIRECTORY - has fanotify(7) tell of each open and close in it, and reads
 * that.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int listen_to(const char *directory)
{
	static char bytes[65536] __attribute__((aligned(8)));
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE | FAN_EVENT_ON_CHILD,
				    AT_FDCWD, directory) < 0) {
		perror("fanotify");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		const struct fanotify_event_metadata *event = (const void *)bytes;

		for (; FAN_EVENT_OK(event, got); event = FAN_EVENT_NEXT(event, got))
			if (event->fd >= 0)
				close(event->fd);
	}
	return 1;
}

int main(int argc, char **argv)
{
	static char bytes[4096];
	double start = now_ns();
	long count;

	if (argc != 3) {
		fprintf(stderr, "usage: touch-file COUNT FILE | --listen DIRECTORY\n");
		return 2;
	}
	if (strcmp(argv[1], "--listen") == 0)
		return listen_to(argv[2]);
	count = strtol(argv[1], NULL, 10);
	for (long n = 0; n < count; n++) {
		int fd = open(argv[2], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, bytes, sizeof(bytes)) < 0) {
			perror(argv[2]);
			return 1;
		}
		close(fd);
	}
	printf("%.1f\n", (now_ns() - start) / (double)count);
	return 0;
}
