/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices a container may use: v1's devices.allow and devices.deny, v2's BPF program. */
#include <errno.h>
#include <fcntl.h>

#include "kernel/device_filter.h"
#include "sysvisor/runc/cgroup.h"

/* What every container may have, whatever the engine says: the kernel's harmless devices,
 * terminals, FUSE (a mount in a user namespace reaches that namespace only), and mknod of anything
 * (which a user namespace refuses anyway). */
static const struct device_rule devices_always[] = {
	{ true, 'c', -1, -1, DEVICE_mknod }, { true, 'b', -1, -1, DEVICE_mknod },
	{ true, 'c', 1, 3, DEVICE_all },     { true, 'c', 1, 5, DEVICE_all },
	{ true, 'c', 1, 7, DEVICE_all },     { true, 'c', 1, 8, DEVICE_all },
	{ true, 'c', 1, 9, DEVICE_all },     { true, 'c', 5, 0, DEVICE_all },
	{ true, 'c', 5, 1, DEVICE_all },     { true, 'c', 5, 2, DEVICE_all },
	{ true, 'c', 136, -1, DEVICE_all },  { true, 'c', 10, 200, DEVICE_all },
	{ true, 'c', 10, 229, DEVICE_all },
};

static int devices_read_access(const char *access, unsigned int *ret)
{
	*ret = 0;
	for (; access && *access; access++) {
		if (*access == 'r')
			*ret |= DEVICE_read;
		else if (*access == 'w')
			*ret |= DEVICE_write;
		else if (*access == 'm')
			*ret |= DEVICE_mknod;
		else
			return -EINVAL;
	}
	if (*ret == 0)
		*ret = DEVICE_all;
	return 0;
}

static int devices_read(const struct spec_device_rule *from, size_t n, struct device_rule *to,
			struct error *err)
{
	const char *type = from->type && *from->type ? from->type : "a";

	*to = (struct device_rule){ .allow = from->allow, .major = -1, .minor = -1 };
	if (!strchr("abcup", type[0]) || type[1])
		return error_say(err, EINVAL,
				 "linux.resources.devices[%zu].type: '%.20s' is not one of a, b, c",
				 n, type);
	to->type = type[0] == 'u' ? 'c' : type[0];
	if (from->major.set && from->major.value >= 0)
		to->major = (int32_t)from->major.value;
	if (from->minor.set && from->minor.value >= 0)
		to->minor = (int32_t)from->minor.value;
	if (devices_read_access(from->access, &to->access) < 0)
		return error_say(err, EINVAL,
				 "linux.resources.devices[%zu].access: '%.20s' is not of r, w, m",
				 n, from->access);
	return 0;
}

static void devices_number(int32_t number, struct text *out)
{
	if (number < 0)
		text_putc(out, '*');
	else
		text_printf(out, "%d", number);
}

static int devices_write_v1(const struct cgroup_hierarchy *hierarchy,
			    const struct device_rule *rules, size_t count, struct error *err)
{
	for (size_t n = 0; n < count; n++) {
		const struct device_rule *rule = &rules[n];
		auto_text struct text line = { 0 };
		int r;

		if (rule->type == 'a') {
			text_putc(&line, 'a');
		} else {
			text_printf(&line, "%c ", rule->type);
			devices_number(rule->major, &line);
			text_putc(&line, ':');
			devices_number(rule->minor, &line);
			text_printf(&line, " %s%s%s", rule->access & DEVICE_read ? "r" : "",
				    rule->access & DEVICE_write ? "w" : "",
				    rule->access & DEVICE_mknod ? "m" : "");
		}
		r = cgroup_write(hierarchy, rule->allow ? "devices.allow" : "devices.deny",
				 text_slice(&line), err);
		if (r < 0)
			return r;
	}
	return 0;
}

int devices_apply(const struct cgroup_tree *tree, const struct spec_list *rules, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_tree_v1(tree, "devices");
	size_t count = rules->count + array_count(devices_always);
	auto_free struct device_rule *all = NULL;
	const struct spec_device_rule *rule;
	size_t n = 0;
	int r;

	/* Without rules the container has what its parent group has. */
	if (rules->count == 0)
		return 0;
	all = calloc(count, sizeof(*all));
	if (!all)
		return error_errno(err, ENOMEM, "set device rules");
	spec_each(rules, rule) {
		r = devices_read(rule, n, &all[n], err);
		if (r < 0)
			return r;
		n++;
	}
	memcpy(all + n, devices_always, sizeof(devices_always));
	if (hierarchy)
		r = devices_write_v1(hierarchy, all, count, err);
	else if ((hierarchy = cgroup_tree_v2(tree)))
		r = device_filter_attach(hierarchy->group_fd, all, count, err);
	else
		return error_say(err, ENOENT,
				 "not supported: linux.resources.devices, because no devices "
				 "controller and no cgroup v2 is mounted");
	return r < 0 ? error_wrap(err, r, "set device rules") : 0;
}

/* --- systemd --- */

/* "/dev/char/1:3 rw", "char-136 rwm", "block-* m": what systemd has words for. It has none for one
 * minor of every major, and gets all of them: ours is the filter that decides. */
static void devices_spell(const struct device_rule *rule, struct text *out)
{
	const char *kind = rule->type == 'b' ? "block" : "char";

	if (rule->major < 0)
		text_printf(out, "%s-*", kind);
	else if (rule->minor < 0)
		text_printf(out, "%s-%d", kind, rule->major);
	else
		text_printf(out, "/dev/%s/%d:%d", kind, rule->major, rule->minor);
	text_printf(out, " %s%s%s\n", rule->access & DEVICE_read ? "r" : "",
		    rule->access & DEVICE_write ? "w" : "", rule->access & DEVICE_mknod ? "m" : "");
}

int devices_properties(struct properties *list, const struct spec_list *rules, struct error *err)
{
	auto_text struct text allowed = { 0 };
	const struct spec_device_rule *rule;
	bool strict = true;
	size_t n = 0;

	if (rules->count == 0)
		return 0;
	spec_each(rules, rule) {
		struct device_rule read;
		int r = devices_read(rule, n++, &read, err);

		if (r < 0)
			return r;
		if (read.type == 'a') { /* all that came before counts no more */
			strict = !read.allow;
			text_clear(&allowed);
		} else if (read.allow) {
			devices_spell(&read, &allowed);
		}
		/* What is taken away again systemd can't say; our filter does. */
	}
	for (n = 0; n < array_count(devices_always) && strict; n++)
		devices_spell(&devices_always[n], &allowed);
	properties_add(list, "DevicePolicy=s:%s", strict ? "strict" : "auto");
	if (strict)
		properties_add(list, "DeviceAllow=a(ss):%s", text_str(&allowed));
	return 0;
}
