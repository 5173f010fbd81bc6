/* SPDX-License-Identifier: Apache-2.0 */
/* read-files COUNT FILE... - opens, reads to the end and closes each file, COUNT times, and prints
 * the median microseconds of each. By fifties in turn, so that what else the machine does hits all.
 */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"

#define FILES 32
#define BLOCK 50

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t read_file(const char *path)
{
	static char bytes[1 << 16];
	uint64_t start = clock_mono_ns();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		;
	close(fd);
	return clock_mono_ns() - start;
}

int main(int argc, char **argv)
{
	size_t count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	size_t files = argc > 2 ? (size_t)argc - 2 : 0;
	auto_free uint64_t *ns = calloc(count * files + 1, sizeof(*ns));

	if (!ns || files == 0 || files > FILES)
		return 2;
	for (size_t first = 0; first < count; first += BLOCK)
		for (size_t n = 0; n < files; n++)
			for (size_t round = first; round < first + BLOCK && round < count; round++)
				ns[n * count + round] = read_file(argv[n + 2]);
	for (size_t n = 0; n < files; n++) {
		qsort(ns + n * count, count, sizeof(*ns), by_size);
		printf("%s %.1f\n", argv[n + 2], (double)ns[n * count + count / 2] / 1000);
	}
	return 0;
}
