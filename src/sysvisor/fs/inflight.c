/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/inflight.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define INFLIGHT_HEAD_BYTES 40 /* struct fuse_in_header; its first field is the whole's length */

int inflight_open(struct inflight *inflight, const char *path, bool fresh, struct error *err)
{
	size_t bytes = (size_t)INFLIGHT_SLOTS * INFLIGHT_SLOT_BYTES;
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0600);
	void *at;

	/* A file of holes: no more of it is there than was ever written. */
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return error_errno(err, errno, "open '%s'", path);
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return error_errno(err, errno, "map '%s'", path);
	inflight->slots = at;
	inflight->fd = take_fd(&fd);
	return 0;
}

void inflight_close(struct inflight *inflight)
{
	if (!inflight->slots)
		return;
	munmap(inflight->slots, (size_t)INFLIGHT_SLOTS * INFLIGHT_SLOT_BYTES);
	close(inflight->fd);
	inflight->slots = NULL;
}

static uint32_t *inflight_bytes(const struct inflight *inflight, size_t worker)
{
	return (uint32_t *)(void *)(inflight->slots + worker * INFLIGHT_SLOT_BYTES);
}

void *inflight_slot(struct inflight *inflight, size_t worker)
{
	uint32_t *bytes = inflight_bytes(inflight, worker);

	__atomic_store_n(bytes, 0, __ATOMIC_SEQ_CST);
	return bytes;
}

size_t inflight_replay(struct inflight *inflight,
		       void (*process)(void *request, size_t bytes, void *owner), void *owner)
{
	size_t count = 0;

	for (size_t n = 0; n < INFLIGHT_SLOTS; n++) {
		off_t at = (off_t)(n * INFLIGHT_SLOT_BYTES), data;
		uint32_t *slot = inflight_bytes(inflight, n), bytes;

		/* To look into a hole fills it, and takes longer than all the rest of a start. */
		data = lseek(inflight->fd, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data >= at + (off_t)INFLIGHT_SLOT_BYTES)
			continue;
		bytes = *slot;
		if (bytes < INFLIGHT_HEAD_BYTES || bytes > INFLIGHT_SLOT_BYTES)
			continue;
		process(slot, bytes, owner);
		inflight_slot(inflight, n);
		count++;
	}
	return count;
}
