/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parcel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union parcel_room {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr head;
};

int parcel_send(int socket, const void *bytes, size_t size, int fd)
{
	union parcel_room room = { .bytes = { 0 } };
	struct iovec part = { (void *)bytes, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof(room.bytes);
		room.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS,
					      .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(&room.head), &fd, sizeof(fd));
	}
	while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

ssize_t parcel_receive(int socket, void *bytes, size_t size, int *ret_fd)
{
	union parcel_room room = { .bytes = { 0 } };
	struct iovec part = { bytes, size };
	/* CMSG_SPACE() would have room for a second one, of which nobody would know. */
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = room.bytes,
				  .msg_controllen = CMSG_LEN(sizeof(int)) };
	const struct cmsghdr *head;
	auto_fd int fd = -1;
	ssize_t n;

	if (ret_fd)
		*ret_fd = -1;
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return n;
}
