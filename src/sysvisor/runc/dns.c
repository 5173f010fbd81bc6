/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/file.h"
#include "kernel/namespace.h"
#include "kernel/path.h"
#include "sysvisor/runc/helper.h"

#define DNS_LIMIT_BYTES (1u << 20)
#define DNS_TIMEOUT_S	30
#define DNS_ANYWHERE	"00000000:0000" /* the other end of a socket that waits */

/* --- what is there, and what it becomes --- */

uint16_t dns_port(struct slice table)
{
	struct in_addr address;
	char own[16];
	struct slice line;

	/* The kernel prints the four bytes as one number of this machine's. */
	if (inet_pton(AF_INET, DNS_LOOPBACK, &address) != 1)
		return 0;
	snprintf(own, sizeof(own), "%08X:", address.s_addr);
	while (slice_next(&table, '\n', &line)) {
		ssize_t at = slice_find(line, slice_of(own));
		uint64_t port;

		/* "  12: 0B00007F:9C1A 00000000:0000 07 ..." */
		if (at < 0)
			continue;
		line = slice_skip(line, (size_t)at + strlen(own));
		if (slice_eat_hex(&line, &port) && port < 65536 &&
		    slice_starts(slice_skip(line, 1), SLICE(DNS_ANYWHERE)))
			return (uint16_t)port;
	}
	return 0;
}

bool dns_rewrite(struct slice resolv_conf, struct text *out)
{
	bool found = false;
	struct slice line;

	while (slice_next(&resolv_conf, '\n', &line)) {
		struct slice rest = slice_trim(line);

		if (slice_eat(&rest, SLICE("nameserver")) &&
			      slice_is(slice_trim(rest), DNS_LOOPBACK)) {
			text_put(out, SLICE("nameserver " DNS_ALIAS));
			found = true;
		} else {
			text_put(out, line);
		}
		text_putc(out, '\n');
	}
	return found;
}

/* The way in opens 127.0.0.0/8 to packets from outside (route_localnet): those which ask for it
 * themselves, rather than by the alias, go no further (as in CVE-2020-8558). */
void dns_rules(struct dns_ports ports, struct text *out)
{
	static const char *const chains[] = { "PREROUTING", "OUTPUT" };
	const struct {
		const char *protocol;
		uint16_t port;
	} rows[] = { { "udp", ports.udp }, { "tcp", ports.tcp } };

	text_put(out, SLICE("*raw\n-A PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP\nCOMMIT\n*nat\n"));
	for (size_t n = 0; n < array_count(chains); n++)
		for (size_t m = 0; m < array_count(rows); m++)
			text_printf(out,
				    "-A %s -d " DNS_ALIAS
				    "/32 -p %s --dport 53 -j DNAT --to-destination " DNS_LOOPBACK
				    ":%u\n",
				    chains[n], rows[m].protocol, rows[m].port);
	text_put(out, SLICE("COMMIT\n"));
}

/* --- the container's network --- */

static int dns_add_address(struct error *err)
{
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo:dns" };
	struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	address->sin_family = AF_INET;
	if (inet_pton(AF_INET, DNS_ALIAS, &address->sin_addr) != 1 ||
	    ioctl(fd, SIOCSIFADDR, &request) < 0)
		return error_errno(err, errno, "give 'lo' the address " DNS_ALIAS);
	address->sin_addr.s_addr = INADDR_NONE; /* a mask of 32 bits */
	if (ioctl(fd, SIOCSIFNETMASK, &request) < 0)
		return error_errno(err, errno, "set the mask of " DNS_ALIAS);
	return 0;
}

static int dns_restore(struct slice rules, struct error *err)
{
	static const char *const places[] = { "/usr/sbin/iptables-restore",
					      "/sbin/iptables-restore" };
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	const char *args[] = { "iptables-restore", "-w", "--noflush", NULL };
	struct helper helper = {
		.what = args[0], .args = args, .env = env, .timeout_s = DNS_TIMEOUT_S
	};
	auto_text struct text said = { 0 };

	for (size_t n = 0; n < array_count(places) && !helper.path; n++)
		if (access(places[n], X_OK) == 0)
			helper.path = places[n];
	if (!helper.path)
		return error_say(err, ENOENT, "'%s' is not there; install iptables", places[0]);
	return helper_run(&helper, rules, &said, err);
}

/* In the container's network. The guard stands before the door is opened. */
static int dns_open_way(struct dns_ports ports, struct error *err)
{
	auto_text struct text rules = { 0 };
	int r;

	dns_rules(ports, &rules);
	r = dns_restore(text_slice(&rules), err);
	if (r == 0)
		r = dns_add_address(err);
	return r < 0 ? r
		     : file_write("/proc/sys/net/ipv4/conf/all/route_localnet", SLICE("1"), err);
}

static int dns_open_way_in(pid_t pid, struct dns_ports ports, struct error *err)
{
	auto_fd int own = namespace_open(getpid(), NAMESPACE_network, err), its = -1;
	int r;

	if (own < 0)
		return own;
	its = namespace_open(pid, NAMESPACE_network, err);
	if (its < 0)
		return its;
	if (namespace_same(own, its))
		return error_say(err, EINVAL, "the container has no network of its own");
	if (setns(its, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the container's network");
	r = dns_open_way(ports, err);
	if (setns(own, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "leave the container's network");
	return r;
}

/* --- */

static uint16_t dns_read_port(pid_t pid, const char *protocol)
{
	auto_text struct text path = { 0 }, table = { 0 };

	text_printf(&path, "/proc/%d/net/%s", pid, protocol);
	if (file_read_at(AT_FDCWD, text_str(&path), DNS_LIMIT_BYTES, &table) < 0)
		return 0;
	return dns_port(text_slice(&table));
}

/* The resolv.conf of the container; -1: it has none. Only a file: a pipe of that name would keep
 * us. */
static int dns_open_file(int root_fd)
{
	auto_fd int fd = path_open(root_fd, "/etc/resolv.conf", O_RDONLY | O_NONBLOCK);
	struct stat stat_;

	return fd < 0 || fstat(fd, &stat_) < 0 || !S_ISREG(stat_.st_mode) ? -1 : take_fd(&fd);
}

/* The engine's file, mounted there: it can't be replaced, and nobody reads it yet. */
static int dns_write_file(const char *fd_path, struct slice words, struct error *err)
{
	auto_fd int fd = open(fd_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int r = fd < 0 ? -errno : file_write_all(fd, words);

	return r < 0 ? error_errno(err, -r, "write '/etc/resolv.conf'") : 0;
}

int dns_alias(const struct state *state, struct error *err)
{
	auto_text struct text path = { 0 }, now = { 0 }, then = { 0 };
	pid_t pid = (pid_t)state->pid.value;
	struct dns_ports ports;
	auto_fd int root = -1, fd = -1;
	int r;

	text_printf(&path, "/proc/%d/root", pid);
	root = open(text_str(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open the container's root");
	fd = dns_open_file(root);
	if (fd < 0)
		return 0;
	text_clear(&path);
	text_printf(&path, "/proc/self/fd/%d", fd);
	if (file_read_at(AT_FDCWD, text_str(&path), DNS_LIMIT_BYTES, &now) < 0 ||
	    !dns_rewrite(text_slice(&now), &then))
		return 0;
	ports = (struct dns_ports){ dns_read_port(pid, "udp"), dns_read_port(pid, "tcp") };
	if (!ports.udp || !ports.tcp)
		return 0; /* nobody answers there */
	r = dns_open_way_in(pid, ports, err);
	return r < 0 ? r : dns_write_file(text_str(&path), text_slice(&then), err);
}
