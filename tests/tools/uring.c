/* SPDX-License-Identifier: Apache-2.0 */
/* uring FILE NEW - makes FILE and renames it to NEW, both through io_uring(7): no system call of
 * the process names a file. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uring {
	int fd;
	struct io_uring_params params;
	char *submissions, *completions;
	struct io_uring_sqe *entries;
};

static int uring_open(struct uring *uring)
{
	const int prot = PROT_READ | PROT_WRITE;

	uring->fd = (int)syscall(SYS_io_uring_setup, 1, &uring->params);
	if (uring->fd < 0)
		return -1;
	uring->submissions = mmap(NULL, 4096, prot, MAP_SHARED, uring->fd, IORING_OFF_SQ_RING);
	uring->completions = mmap(NULL, 4096, prot, MAP_SHARED, uring->fd, IORING_OFF_CQ_RING);
	uring->entries = mmap(NULL, 4096, prot, MAP_SHARED, uring->fd, IORING_OFF_SQES);
	return uring->submissions == MAP_FAILED || uring->completions == MAP_FAILED ||
			       uring->entries == MAP_FAILED
		       ? -1
		       : 0;
}

/* One request, and its result. */
static int uring_do(struct uring *uring, const struct io_uring_sqe *request)
{
	unsigned int *tail = (unsigned int *)(uring->submissions + uring->params.sq_off.tail);
	unsigned int *array = (unsigned int *)(uring->submissions + uring->params.sq_off.array);
	unsigned int *head = (unsigned int *)(uring->completions + uring->params.cq_off.head);
	struct io_uring_cqe *results =
		(struct io_uring_cqe *)(uring->completions + uring->params.cq_off.cqes);
	unsigned int mask = uring->params.cq_entries - 1;

	uring->entries[0] = *request;
	array[*tail & (uring->params.sq_entries - 1)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, uring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	return results[__atomic_fetch_add(head, 1, __ATOMIC_ACQ_REL) & mask].res;
}

int main(int argc, char **argv)
{
	struct uring uring = { 0 };
	struct io_uring_sqe open_it = { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD };
	struct io_uring_sqe rename_it = { .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD };

	if (argc != 3 || uring_open(&uring) < 0)
		return 77;
	open_it.addr = (uintptr_t)argv[1];
	open_it.open_flags = O_CREAT | O_WRONLY;
	open_it.len = 0644;
	rename_it.addr = (uintptr_t)argv[1];
	rename_it.len = (uint32_t)AT_FDCWD;
	rename_it.off = (uintptr_t)argv[2];
	if (uring_do(&uring, &open_it) < 0 || uring_do(&uring, &rename_it) < 0) {
		fputs("uring: refused\n", stderr);
		return 1;
	}
	return 0;
}
