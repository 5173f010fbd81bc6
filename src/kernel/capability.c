/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* In the order of their numbers (<linux/capability.h>). */
static const char *const capability_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

int capability_by_name(struct slice name)
{
	for (size_t n = 0; n < array_count(capability_names); n++)
		if (strlen(capability_names[n]) == name.bytes &&
		    strncasecmp(capability_names[n], name.at, name.bytes) == 0)
			return (int)n;
	return -1;
}

const char *capability_name(unsigned int number)
{
	return number < array_count(capability_names) ? capability_names[number] : NULL;
}

uint64_t capability_all(void)
{
	unsigned int n = array_count(capability_names);

	/* Newer kernels have more than the table, older ones fewer. */
	while (n < 64 && prctl(PR_CAPBSET_READ, n) >= 0)
		n++;
	while (n > 0 && prctl(PR_CAPBSET_READ, n - 1) < 0)
		n--;
	return n >= 64 ? UINT64_MAX : (1ull << n) - 1;
}

int capability_mine(uint64_t *ret_bits, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return error_errno(err, errno, "read our capabilities");
	*ret_bits = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

int capability_bound(uint64_t bits, struct error *err)
{
	for (unsigned int n = 0; n < 64; n++) {
		if (bits & 1ull << n)
			continue;
		if (prctl(PR_CAPBSET_DROP, n) == 0)
			continue;
		if (errno == EINVAL)
			return 0; /* behind the last that this kernel has */
		return error_errno(err, errno, "drop %s from the bounding set",
				   capability_name(n) ? capability_name(n) : "a capability");
	}
	return 0;
}

static int capability_raise_ambient(uint64_t bits, struct error *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, errno, "clear ambient capabilities");
	for (unsigned int n = 0; n < 64; n++)
		if (bits & 1ull << n && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0)
			return error_errno(err, errno, "raise ambient %s",
					   capability_name(n) ? capability_name(n) : "capability");
	return 0;
}

int capability_set(const struct capability_sets *sets, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (unsigned int n = 0; n < 2; n++)
		data[n] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(sets->effective >> 32 * n),
			.permitted = (uint32_t)(sets->permitted >> 32 * n),
			.inheritable = (uint32_t)(sets->inheritable >> 32 * n),
		};
	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno(err, errno, "set capabilities");
	return capability_raise_ambient(sets->ambient, err);
}
