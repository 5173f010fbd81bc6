/* SPDX-License-Identifier: Apache-2.0 */
/* kmsg-write - writes COUNT records of usual length to /dev/kmsg at RATE a second (0: as fast as it
 * goes); prints the rate reached. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_until(double due_s)
{
	for (double left = due_s - now_s(); left > 0; left = due_s - now_s()) {
		struct timespec nap = { 0, (long)((left - 1e-4) * 1e9) };

		if (left > 2e-4)
			nanosleep(&nap, NULL);
	}
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	double rate = argc == 3 ? strtod(argv[2], NULL) : 0, start;
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (count <= 0 || fd < 0) {
		fprintf(stderr, "usage: kmsg-write COUNT RATE (and /dev/kmsg)\n");
		return 2;
	}
	start = now_s();
	for (long n = 0; n < count; n++) {
		char line[256];
		int bytes =
			snprintf(line, sizeof(line),
				 "<6>bulwark-bench: record %09ld usb 1-1: new high-speed device "
				 "number %ld using a driver of a quite usual name here\n",
				 n, n % 127);

		if (rate > 0)
			wait_until(start + (double)n / rate);
		if (write(fd, line, (size_t)bytes) != bytes) {
			perror("/dev/kmsg");
			return 1;
		}
	}
	printf("%.0f\n", (double)count / (now_s() - start));
	return 0;
}
