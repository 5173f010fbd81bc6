/* SPDX-License-Identifier: Apache-2.0 */
/* What doesn't need a container: features, spec, and what there isn't. */
#include <errno.h>

#include "base/file.h"
#include "base/json.h"
#include "kernel/capability.h"
#include "kernel/mount.h"
#include "kernel/namespace.h"
#include "sysvisor/runc/command.h"

/* --- features --- */

static void features_words(struct json *json, struct slice key, const char *const *words)
{
	json_key(json, key);
	json_open(json, '[');
	for (; *words; words++)
		json_text(json, slice_of(*words));
	json_close(json, ']');
}

static void features_flag(struct json *json, struct slice key, struct slice name, bool value)
{
	json_key(json, key);
	json_open(json, '{');
	json_key(json, name);
	json_bool(json, value);
	json_close(json, '}');
}

static void features_kernel(struct json *json)
{
	json_key(json, SLICE("mountOptions"));
	json_open(json, '[');
	for (size_t n = 0; mount_option_name(n); n++)
		json_text(json, slice_of(mount_option_name(n)));
	json_close(json, ']');
	json_key(json, SLICE("linux"));
	json_open(json, '{');
	json_key(json, SLICE("namespaces"));
	json_open(json, '[');
	for (int n = 0; n < NAMESPACE_KINDS; n++)
		json_text(json, slice_of(namespace_rows[n].name));
	json_close(json, ']');
	json_key(json, SLICE("capabilities"));
	json_open(json, '[');
	for (unsigned int n = 0; capability_name(n); n++)
		json_text(json, slice_of(capability_name(n)));
	json_close(json, ']');
}

static void features_cgroup(struct json *json)
{
	json_key(json, SLICE("cgroup"));
	json_open(json, '{');
	json_key(json, SLICE("v1"));
	json_bool(json, true);
	json_key(json, SLICE("v2"));
	json_bool(json, true);
	json_key(json, SLICE("systemd"));
	json_bool(json, true);
	json_key(json, SLICE("systemdUser"));
	json_bool(json, false);
	json_key(json, SLICE("rdma"));
	json_bool(json, true);
	json_close(json, '}');
}

static void features_seccomp(struct json *json)
{
	static const char *const actions[] = { "SCMP_ACT_ALLOW",       "SCMP_ACT_ERRNO",
					       "SCMP_ACT_KILL",	       "SCMP_ACT_KILL_PROCESS",
					       "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
					       "SCMP_ACT_NOTIFY",      "SCMP_ACT_TRACE",
					       "SCMP_ACT_TRAP",	       NULL };
	static const char *const operators[] = { "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
						 "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
						 "SCMP_CMP_NE", NULL };
	static const char *const flags[] = { "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
					     "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
					     "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL };

	json_key(json, SLICE("seccomp"));
	json_open(json, '{');
	json_key(json, SLICE("enabled"));
	json_bool(json, true);
	features_words(json, SLICE("actions"), actions);
	features_words(json, SLICE("operators"), operators);
	features_words(json, SLICE("knownFlags"), flags);
	json_close(json, '}');
}

static int features_command(const struct runtime *runtime, void *options, char **args,
			    struct error *err)
{
	static const char *const hooks[] = { "prestart",
					     "createRuntime",
					     "createContainer",
					     "startContainer",
					     "poststart",
					     "poststop",
					     NULL };
	auto_text struct text text = { 0 };
	struct json json = { .out = &text };

	(void)runtime;
	(void)options;
	(void)args;
	json_open(&json, '{');
	json_key(&json, SLICE("ociVersionMin"));
	json_text(&json, SLICE("1.0.0"));
	json_key(&json, SLICE("ociVersionMax"));
	json_text(&json, SLICE(RUNTIME_OCI_VERSION));
	features_words(&json, SLICE("hooks"), hooks);
	features_kernel(&json);
	features_cgroup(&json);
	features_seccomp(&json);
	features_flag(&json, SLICE("apparmor"), SLICE("enabled"), true);
	features_flag(&json, SLICE("selinux"), SLICE("enabled"), true);
	features_flag(&json, SLICE("intelRdt"), SLICE("enabled"), false);
	json_key(&json, SLICE("mountExtensions"));
	json_open(&json, '{');
	features_flag(&json, SLICE("idmap"), SLICE("enabled"), true);
	json_close(&json, '}');
	json_close(&json, '}');
	json_key(&json, SLICE("annotations"));
	json_open(&json, '{');
	json_key(&json, SLICE("io.bulwark.sysvisor.version"));
	json_text(&json, SLICE(BULWARK_VERSION));
	json_key(&json, SLICE("org.opencontainers.runc.checkpoint.enabled"));
	json_text(&json, SLICE("false"));
	json_close(&json, '}');
	json_close(&json, '}');
	text_putc(&text, '\n');
	return command_print(&text, err);
}

const struct command command_features = {
	.name = "features",
	.arguments = "",
	.purpose = "Print what this runtime can do, as JSON",
	.most = 0,
	.run = features_command,
};

/* --- spec --- */

struct spec_options {
	char *bundle;
};

static const struct setting spec_rows[] = {
	{ .option = "bundle",
	  .letter = 'b',
	  .type = SETTING_text,
	  .at = offsetof(struct spec_options, bundle),
	  .argument = "DIR",
	  .programs = COMMAND_PROGRAM,
	  .help = "Where config.json goes; default is where we are" },
};

/* All else is the plan's: a system container needs to be told little. */
static const char spec_words[] =
	"{\n"
	"\t\"ociVersion\": \"" RUNTIME_OCI_VERSION "\",\n"
	"\t\"process\": {\n"
	"\t\t\"terminal\": true,\n"
	"\t\t\"user\": { \"uid\": 0, \"gid\": 0 },\n"
	"\t\t\"args\": [\"sh\"],\n"
	"\t\t\"env\": [\n"
	"\t\t\t\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
	"\t\t\t\"TERM=xterm\"\n"
	"\t\t],\n"
	"\t\t\"cwd\": \"/\"\n"
	"\t},\n"
	"\t\"root\": { \"path\": \"rootfs\" },\n"
	"\t\"hostname\": \"syscont\",\n"
	"\t\"linux\": {\n"
	"\t\t\"namespaces\": [\n"
	"\t\t\t{ \"type\": \"pid\" },\n"
	"\t\t\t{ \"type\": \"network\" },\n"
	"\t\t\t{ \"type\": \"ipc\" },\n"
	"\t\t\t{ \"type\": \"uts\" },\n"
	"\t\t\t{ \"type\": \"mount\" },\n"
	"\t\t\t{ \"type\": \"user\" },\n"
	"\t\t\t{ \"type\": \"cgroup\" }\n"
	"\t\t]\n"
	"\t}\n"
	"}\n";

static int spec_command(const struct runtime *runtime, void *options, char **args,
			struct error *err)
{
	const struct spec_options *wanted = options;
	auto_text struct text path = { 0 };

	(void)runtime;
	(void)args;
	text_printf(&path, "%s/config.json", wanted->bundle ? wanted->bundle : ".");
	if (access(text_str(&path), F_OK) == 0)
		return error_say(err, EEXIST, "'%s' is there already; remove it first",
				 text_str(&path));
	return file_replace(text_str(&path), slice_of(spec_words), 0644, err);
}

const struct command command_spec = {
	.name = "spec",
	.arguments = "",
	.purpose = "Write a config.json to start from",
	.most = 0,
	.rows = spec_rows,
	.row_count = array_count(spec_rows),
	.options_bytes = sizeof(struct spec_options),
	.run = spec_command,
};

/* --- what there isn't --- */

static int missing_command(const struct runtime *runtime, void *options, char **args,
			   struct error *err)
{
	(void)runtime;
	(void)options;
	(void)args;
	return error_say(
		err, ENOSYS,
		"not supported: checkpoint and restore, because a system container's mounts "
		"and ids can't be frozen into an image; stop and start it instead");
}

const struct command command_checkpoint = {
	.name = "checkpoint",
	.arguments = "ID",
	.purpose = "Not supported",
	.most = -1,
	.run = missing_command,
};

const struct command command_restore = {
	.name = "restore",
	.arguments = "ID",
	.purpose = "Not supported",
	.most = -1,
	.run = missing_command,
};
