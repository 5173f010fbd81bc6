/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/console.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "kernel/mount.h"
#include "kernel/path.h"
#include "sysvisor/runc/channel.h"

static int console_open_master(int root_fd, struct error *err)
{
	struct statfs fs;
	int unlock = 0;
	auto_fd int fd = path_open(root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return error_errno(err, -fd, "open '/dev/pts/ptmx' of the container");
	/* The container's image could have put anything there. */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_say(err, EINVAL,
				 "process.terminal: /dev/pts of the container is no devpts; mount "
				 "one there");
	if (ioctl(fd, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, errno, "unlock the terminal");
	return take_fd(&fd);
}

static int console_show(int root_fd, int master_fd, struct error *err)
{
	auto_fd int tree = -1, slave = -1, target = -1;
	unsigned int number;
	char path[32];

	if (ioctl(master_fd, TIOCGPTN, &number) < 0)
		return error_errno(err, errno, "ask the terminal's number");
	snprintf(path, sizeof(path), "/dev/pts/%u", number);
	slave = path_open(root_fd, path, O_PATH);
	if (slave < 0)
		return error_errno(err, -slave, "open '%s' of the container", path);
	target = path_make_file(root_fd, "/dev/console", 0620, err);
	if (target < 0)
		return target;
	tree = mount_clone(slave, "", false, true, err);
	return tree < 0 ? tree : mount_attach(tree, target, err);
}

static int console_take(int slave_fd, const struct spec_process *process, struct error *err)
{
	struct winsize size = { .ws_row = (unsigned short)process->console_height.value,
				.ws_col = (unsigned short)process->console_width.value };

	if (size.ws_row && size.ws_col)
		(void)ioctl(slave_fd, TIOCSWINSZ, &size);
	if (ioctl(slave_fd, TIOCSCTTY, 0) < 0)
		return error_errno(err, errno, "take the terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave_fd, fd) < 0)
			return error_errno(err, errno, "take the terminal");
	return 0;
}

int console_make(int root_fd, int socket_fd, const struct spec_process *process, bool show_console,
		 struct error *err)
{
	auto_fd int master = console_open_master(root_fd, err), slave = -1;
	int r;

	if (master < 0)
		return master;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_errno(err, errno, "open the terminal's other side");
	r = show_console ? console_show(root_fd, master, err) : 0;
	if (r == 0)
		r = channel_send_fd(socket_fd, master, "/dev/ptmx", err);
	return r < 0 ? r : console_take(slave, process, err);
}
