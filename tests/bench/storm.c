/* SPDX-License-Identifier: Apache-2.0 */
/* storm - starts a program again and again, one at a time; prints microseconds for each. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	char *environment[] = { NULL };
	double start = now_us();

	if (count <= 0) {
		fprintf(stderr, "usage: storm COUNT PROGRAM\n");
		return 2;
	}
	for (long n = 0; n < count; n++) {
		pid_t pid;

		if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environment) != 0 ||
		    waitpid(pid, NULL, 0) < 0) {
			perror(argv[2]);
			return 1;
		}
	}
	printf("%.2f\n", (now_us() - start) / (double)count);
	return 0;
}
