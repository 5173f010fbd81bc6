/* SPDX-License-Identifier: Apache-2.0 */
/* Whose container a control group is, and what engines and their files say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "event/metrics.h"
#include "identity/container_facts.h"
#include "identity/container_monitor.h"
#include "identity/process.h"
#include "kernel/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ID_A "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
#define ID_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ID_C "1111111111111111111111111111111111111111111111111111111111111111"
#define UID  "2dd1c1f3-9e2a-4d11-8a3c-0123456789ab"
#define UID_ "2dd1c1f3_9e2a_4d11_8a3c_0123456789ab"

/* --- paths --- */

struct path_case {
	const char *path;
	const char *runtime, *id, *outer_id, *pod_uid; /* runtime NULL: no container */
};

/* clang-format off: one row a line */
static const struct path_case path_cases[] = {
	/* Docker */
	{ "/docker/" ID_A, "docker", ID_A, "", "" },
	{ "/docker/" ID_A "/", "docker", ID_A, "", "" },
	{ "/docker/" ID_A " (deleted)", "docker", ID_A, "", "" },
	{ "/docker/" ID_A "/init.scope", "docker", ID_A, "", "" },
	{ "/docker/" ID_A "/system.slice/ssh.service", "docker", ID_A, "", "" },
	{ "/system.slice/docker-" ID_A ".scope", "docker", ID_A, "", "" },
	{ "/system.slice/docker-" ID_A ".scope/init", "docker", ID_A, "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID_A ".scope",
	  "docker", ID_A, "", "" },
	{ "/my.slice/my-own.slice/docker-" ID_A ".scope", "docker", ID_A, "", "" },
	{ "/actions_job/" ID_A, "docker", ID_A, "", "" },
	{ "/system.slice/system.slice:docker:" ID_A, "docker", ID_A, "", "" },
	{ "/web/" ID_A, "unknown", ID_A, "", "" },
	{ "/web/front/" ID_A, "unknown", ID_A, "", "" },
	{ "/ecs/0123456789abcdef0123456789abcdef/" ID_A, "unknown", ID_A, "", "" },
	/* seen from another control group namespace */
	{ "/../" ID_A, "unknown", ID_A, "", "" },
	{ "/../../docker/" ID_A, "docker", ID_A, "", "" },
	{ "/../cri-containerd-" ID_A ".scope", "containerd", ID_A, "", "" },
	/* Kubernetes, cgroupfs driver: the path doesn't say who runs it */
	{ "/kubepods/burstable/pod" UID "/" ID_A, "unknown", ID_A, "", UID },
	{ "/kubepods/besteffort/pod" UID "/" ID_A, "unknown", ID_A, "", UID },
	{ "/kubepods/pod" UID "/" ID_A, "unknown", ID_A, "", UID },
	{ "/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" ID_A, "unknown", ID_A, "",
	  "0123456789abcdef0123456789abcdef" },
	{ "/kubepods/burstable/pod" UID "/crio-" ID_A, "cri-o", ID_A, "", UID },
	{ "/k8s.io/" ID_A, "containerd", ID_A, "", "" },
	/* Kubernetes, systemd driver */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	  ".slice/cri-containerd-" ID_A ".scope",
	  "containerd", ID_A, "", UID_ },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-" ID_A ".scope",
	  "cri-o", ID_A, "", UID_ },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-" ID_A ".scope/container",
	  "cri-o", ID_A, "", UID_ },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID_A ".scope", "docker", ID_A, "",
	  UID_ },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID_A
	  ".scope/system.slice/a.service",
	  "containerd", ID_A, "", UID_ },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID_A,
	  "containerd", ID_A, "", UID_ },
	{ "/system.slice/crio.service/kubepods-pod" UID_ ".slice:crio:" ID_A, "cri-o", ID_A, "",
	  UID_ },
	/* Podman */
	{ "/machine.slice/libpod-" ID_A ".scope", "podman", ID_A, "", "" },
	{ "/machine.slice/libpod-" ID_A ".scope/container", "podman", ID_A, "", "" },
	{ "/machine.slice/machine-libpod_pod_" ID_B ".slice/libpod-" ID_A ".scope/container",
	  "podman", ID_A, "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A
	  ".scope/container",
	  "podman", ID_A, "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/podman.service/"
	  "libpod-payload-" ID_A,
	  "podman", ID_A, "", "" },
	{ "/libpod_parent/libpod-" ID_A, "podman", ID_A, "", "" },
	{ "/libpod_parent/" ID_B "/libpod-" ID_A "/container", "podman", ID_A, ID_B, "" },
	/* nerdctl, ctr, LXC, systemd-nspawn, Garden */
	{ "/system.slice/sysvisor-web.scope", "sysvisor", "web", "", "" },
	{ "/system.slice/sysvisor-web.scope/system.slice/docker-" ID_A ".scope", "docker", ID_A,
	  "web", "" },
	{ "/system.slice/sysvisor-mgr.service", NULL, "", "", "" },
	{ "/system.slice/nerdctl-" ID_A ".scope", "nerdctl", ID_A, "", "" },
	{ "/default/" ID_A, "containerd", ID_A, "", "" },
	{ "/default/redis-1", "containerd", "redis-1", "", "" },
	{ "/lxc.payload.web/init.scope", "lxc", "web", "", "" },
	{ "/lxc.payload.web/system.slice/cron.service", "lxc", "web", "", "" },
	{ "/lxc.payload/web", "lxc", "web", "", "" },
	{ "/lxc/101/ns/init.scope", "lxc", "101", "", "" },
	{ "/lxc.payload.outer/lxc.payload.inner", "lxc", "inner", "outer", "" },
	{ "/machine.slice/machine-deb.scope/payload", "systemd-nspawn", "deb", "", "" },
	{ "/machine.slice/machine-my\\x2ddeb.scope", "systemd-nspawn", "my\\x2ddeb", "", "" },
	{ "/machine.slice/systemd-nspawn@deb.service/payload/init.scope", "systemd-nspawn", "deb",
	  "", "" },
	{ "/machine.slice/machine-lxc\\x2d1\\x2dweb.scope", "libvirt", "1\\x2dweb", "", "" },
	{ "/garden/0a1b2c3d-4e5f-6071-8293-a4b5-c6d7", "garden",
	  "0a1b2c3d-4e5f-6071-8293-a4b5-c6d7", "", "" },
	{ "/system.slice/garden.service/garden/good/0a1b2c3d-4e5f-6071-8293-a4b5-c6d7", "garden",
	  "0a1b2c3d-4e5f-6071-8293-a4b5-c6d7", "", "" },
	/* containers in containers: Docker in Docker, kind, sysvisor */
	{ "/docker/" ID_A "/docker/" ID_B, "docker", ID_B, ID_A, "" },
	{ "/docker/" ID_A "/docker/" ID_B "/docker/" ID_C, "docker", ID_C, ID_B, "" },
	{ "/docker/" ID_A "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	  "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID_B ".scope",
	  "containerd", ID_B, ID_A, UID_ },
	{ "/docker/" ID_A "/kubelet/kubepods/besteffort/pod" UID "/" ID_B, "unknown", ID_B, ID_A,
	  UID },
	{ "/kubepods/burstable/pod" UID "/" ID_A "/docker/" ID_B, "docker", ID_B, ID_A, UID },
	{ "/system.slice/docker-" ID_A ".scope/syscont-cgroup-root/init.scope", "docker", ID_A, "",
	  "" },
	{ "/docker/" ID_A "/syscont-cgroup-root/docker/" ID_B, "docker", ID_B, ID_A, "" },
	{ "/docker/" ID_A "/syscont-cgroup-root/system.slice/docker-" ID_B ".scope", "docker", ID_B,
	  ID_A, "" },
	{ "/docker/" ID_A "/syscont-cgroup-root/default/redis", "containerd", "redis", ID_A, "" },
	{ "/docker/" ID_A "/syscont-cgroup-root", "docker", ID_A, "", "" },
	{ "/lxc.payload.web/docker/" ID_B, "docker", ID_B, "web", "" },
	{ "/docker/" ID_A "/" ID_A, "unknown", ID_A, "", "" },
	/* no containers */
	{ .path = "" },
	{ .path = "/" },
	{ .path = "//" },
	{ .path = "/../.." },
	{ .path = "/init.scope" },
	{ .path = "/user.slice/user-1000.slice/session-3.scope" },
	{ .path = "/system.slice/docker.service" },
	{ .path = "/docker" },
	{ .path = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice" },
	{ .path = "/kubepods/burstable/pod" UID },
	{ .path = "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID_A ".scope" },
	{ .path = "/machine.slice/libpod-conmon-" ID_A ".scope" },
	{ .path = "/libpod_parent/conmon" },
	{ .path = "/libpod_parent/libpod-conmon-" ID_A },
	{ .path = "/machine.slice/machine-libpod_pod_" ID_A ".slice" },
	{ .path = "/" ID_A },
	{ .path = ID_A },
	{ .path = "/docker/0a1b2c3d4e5f" },
	{ .path = "/docker/" ID_A "0" },
	{ .path = "/docker/0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9" },
	{ .path = "/docker/buildkit/zx7k1x4q3kqsd0pd2hxqqvsdn" },
	{ .path = "/system.slice/docker-" ID_A ".service" },
	{ .path = "/system.slice/default/redis" },
	{ .path = "/default" },
	{ .path = "/lxc.monitor.web" },
	{ .path = "/lxc.pivot" },
	{ .path = "/a/lxc/web" },
	{ .path = "/lxc.payload." },
	{ .path = "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator" },
	{ .path = "/system.slice/2dd1c1f3-9e2a-4d11-8a3c-0123456789ab" },
	{ .path = "/docker/.." },
};
/* clang-format on */

static void assert_slice(const struct path_case *row, struct slice got, const char *wanted)
{
	if (!slice_is(got, wanted))
		fail_msg("'%s' gave '%.*s' for '%s'", row->path, SLICE_ARG(got), wanted);
}

static void paths_tell_containers(void **state)
{
	(void)state;
	assert_true(array_count(path_cases) >= 60);
	for (size_t n = 0; n < array_count(path_cases); n++) {
		const struct path_case *row = &path_cases[n];
		struct container_path found;
		bool is = container_parse_path(slice_of(row->path), &found);

		if (is != (row->runtime != NULL))
			fail_msg("'%s' is %s container: '%.*s'", row->path, is ? "a" : "no",
				 SLICE_ARG(found.id));
		if (!is)
			continue;
		assert_slice(row, slice_of(found.runtime), row->runtime);
		assert_slice(row, found.id, row->id);
		assert_slice(row, found.outer_id, row->outer_id);
		assert_slice(row, found.pod_uid, row->pod_uid);
	}
}

/* --- what engines say --- */

static void assert_text(const char *got, const char *wanted)
{
	assert_string_equal(got ? got : "(none)", wanted ? wanted : "(none)");
}

static const char *label_of(const struct container *container, const char *name)
{
	static char text[64];

	for (size_t n = 0; n < container->label_count; n++)
		if (slice_is(container->labels[n].name, name)) {
			slice_copy(container->labels[n].text, text, sizeof(text));
			return text;
		}
	return NULL;
}

static void docker_answers_are_read(void **state)
{
	struct container container = { .id = ID_A };

	(void)state;
	assert_true(container_parse_docker(
		&container,
		SLICE("{\"Id\":\"x\",\"Name\":\"/web\",\"Image\":\"sha256:0\",\"Config\":{\"Image\":"
		      "\"nginx:1\",\"Labels\":{\"team\":\"red\",\"io.kubernetes.pod.name\":\"p\","
		      "\"io.kubernetes.pod.namespace\":\"n\",\"io.kubernetes.pod.uid\":\"u\","
		      "\"io.kubernetes.container.name\":\"c\",\"number\":1}}}")));
	assert_text(container.name, "web");
	assert_text(container.image, "nginx:1");
	assert_text(container.pod_name, "p");
	assert_text(container.pod_namespace, "n");
	assert_text(container.pod_container, "c");
	assert_text(container.pod_uid, "u");
	assert_int_equal(container.label_count, 5);
	assert_text(label_of(&container, "team"), "red");
	container_clear(&container);
	assert_false(container_parse_docker(&container, SLICE("{\"message\":\"no\"}")));
	assert_false(container_parse_docker(&container, SLICE("[1]")));
	assert_false(container_parse_docker(&container, SLICE("{\"Name\":\"/web\",\"Config\":{")));
	assert_false(container_parse_docker(&container, SLICE("")));
	assert_null(container.name);
}

static void labels_are_bounded(void **state)
{
	struct container container = { .id = ID_A };
	char name[32], large[CONTAINER_LABEL_BYTES];

	(void)state;
	for (int n = 0; n < 100; n++) {
		snprintf(name, sizeof(name), "label-%d", n);
		container_add_label(&container, slice_of(name), SLICE("value"));
	}
	assert_int_equal(container.label_count, CONTAINER_LABELS);
	assert_int_equal(container.labels_cut, 100 - CONTAINER_LABELS);
	container_add_label(&container, SLICE("label-1"), SLICE("other"));
	assert_text(label_of(&container, "label-1"), "value");
	assert_int_equal(container.labels_cut, 100 - CONTAINER_LABELS);
	container_clear(&container);

	memset(large, 'x', sizeof(large));
	container_add_label(&container, SLICE("a"), (struct slice){ large, sizeof(large) });
	assert_int_equal(container.label_count, 0);
	assert_int_equal(container.labels_cut, 1);
	container_add_label(&container, SLICE("a"), (struct slice){ large, sizeof(large) - 1 });
	assert_int_equal(container.label_count, 1);
	container_add_label(&container, SLICE("b"), SLICE(""));
	assert_int_equal(container.labels_cut, 2);
	container_set(&container.image, (struct slice){ large, sizeof(large) });
	assert_int_equal(strlen(container.image), CONTAINER_TEXT_BYTES);
	container_clear(&container);
}

static void bundles_tell_the_pod(void **state)
{
	struct container container = { .id = ID_A };

	(void)state;
	assert_true(container_parse_bundle(
		&container, SLICE("{\"ociVersion\":\"1.0.2\",\"annotations\":{"
				  "\"io.kubernetes.cri.sandbox-name\":\"web-0\","
				  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\","
				  "\"io.kubernetes.cri.sandbox-uid\":\"" UID "\","
				  "\"io.kubernetes.cri.container-name\":\"nginx\","
				  "\"io.kubernetes.cri.image-name\":\"docker.io/nginx:1\"}}")));
	assert_text(container.pod_name, "web-0");
	assert_text(container.pod_namespace, "prod");
	assert_text(container.pod_uid, UID);
	assert_text(container.pod_container, "nginx");
	assert_text(container.image, "docker.io/nginx:1");
	assert_int_equal(container.label_count, 0);
	container_clear(&container);
	assert_false(container_parse_bundle(&container, SLICE("{\"annotations\":{}}")));
}

static void storage_tells_name_and_image(void **state)
{
	static const struct slice json = SLICE(
		"[{\"id\":\"" ID_B "\",\"names\":[\"other\"]},"
		"{\"id\":\"" ID_A "\",\"names\":[\"web\"],\"metadata\":"
		"\"{\\\"image-name\\\":\\\"localhost/busybox:1\\\",\\\"name\\\":\\\"web\\\"}\"}]");
	struct container container = { .id = ID_A }, other = { .id = ID_B }, third = { .id = ID_C };

	(void)state;
	assert_true(container_parse_storage(&container, json));
	assert_text(container.name, "web");
	assert_text(container.image, "localhost/busybox:1");
	assert_true(container_parse_storage(&other, json));
	assert_text(other.name, "other");
	assert_null(other.image);
	assert_false(container_parse_storage(&third, json));
	container_clear(&container);
	container_clear(&other);
}

/* --- monitors --- */

static void monitors_say_where_the_bundle_is(void **state)
{
	static const char conmon[] =
		"/usr/bin/conmon --api-version 1 -c " ID_A " -u " ID_A
		" -r /usr/bin/crun -b /srv/root/vfs-containers/" ID_A
		"/userdata -p /srv/run/vfs-containers/" ID_A "/userdata/pidfile -n web --exit-dir "
		"/srv/tmp/exits --full-attach";
	static const char session[] =
		"conmon -c " ID_A " -b /srv/root/vfs-containers/" ID_A "/userdata/" ID_B " -n web";
	struct slice exe = SLICE("/usr/bin/conmon"), id = SLICE(ID_A);
	struct container_monitor monitor;

	(void)state;
	assert_true(container_parse_monitor(exe, slice_of(conmon), id, &monitor));
	assert_int_equal(monitor.kind, MONITOR_conmon);
	assert_string_equal(monitor.name, "web");
	assert_string_equal(monitor.bundle, "/srv/root/vfs-containers/" ID_A "/userdata");
	assert_true(container_parse_monitor(exe, slice_of(session), id, &monitor));
	assert_string_equal(monitor.bundle, "/srv/root/vfs-containers/" ID_A "/userdata");
	assert_false(container_parse_monitor(exe, slice_of(conmon), SLICE(ID_B), &monitor));
	assert_false(container_parse_monitor(SLICE("/bin/sh"), slice_of(conmon), id, &monitor));
	/* a bundle that is none of this container's */
	assert_true(container_parse_monitor(
		exe, SLICE("conmon -c " ID_A " -b /etc/userdata -n web"), id, &monitor));
	assert_string_equal(monitor.bundle, "");
	assert_true(container_parse_monitor(exe, SLICE("conmon -c " ID_A " -b relative -n"), id,
						       &monitor));
	assert_string_equal(monitor.bundle, "");
	assert_string_equal(monitor.name, "");
	assert_true(container_parse_monitor(
		SLICE("/usr/bin/containerd-shim-runc-v2"),
		      SLICE("/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id " ID_B
		      " -address /run/containerd/containerd.sock"),
			    id, &monitor));
	assert_int_equal(monitor.kind, MONITOR_shim);
}

/* --- the table --- */

struct bench {
	struct loop *loop;
	struct metrics metrics;
	struct containers *containers;
	struct loop_fd listener, link;
	char sockets[2][64];
	const char *answer; /* NULL: none, the connection stays open */
	size_t requests, answered, refused, forgotten;
	uint64_t forgotten_ids[8];
	char request[512];
};

static void bench_on_request(struct loop_fd *watch, uint32_t events)
{
	struct bench *bench = container_of(watch, struct bench, link);
	int fd = watch->fd;
	ssize_t n = read(fd, bench->request, sizeof(bench->request) - 1);

	(void)events;
	bench->request[n > 0 ? n : 0] = '\0';
	bench->requests++;
	loop_fd_remove(bench->loop, watch);
	if (bench->answer)
		assert_int_equal(write(fd, bench->answer, strlen(bench->answer)),
				 strlen(bench->answer));
	if (bench->answer)
		close(fd);
}

static void bench_on_connect(struct loop_fd *watch, uint32_t events)
{
	struct bench *bench = container_of(watch, struct bench, listener);

	(void)events;
	bench->link.ready = bench_on_request;
	assert_int_equal(loop_fd_add(bench->loop, &bench->link,
				     accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC), EPOLLIN, NULL),
			 0);
}

static void bench_listen(struct bench *bench, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	slice_copy(slice_of(path), address.sun_path, sizeof(address.sun_path));
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	bench->listener.ready = bench_on_connect;
	assert_int_equal(loop_fd_add(bench->loop, &bench->listener, fd, EPOLLIN, NULL), 0);
}

static void bench_on_answer(void *owner, const struct container *container)
{
	assert_true(container->state == CONTAINER_known || container->state == CONTAINER_unknown);
	((struct bench *)owner)->answered++;
}

static void bench_on_refused(void *owner, const struct error *why)
{
	struct bench *bench = owner;

	assert_non_null(strstr(why->text, "test-container"));
	bench->refused++;
}

static void bench_on_forgotten(void *owner, uint64_t cgroup_id)
{
	struct bench *bench = owner;

	assert_true(bench->forgotten < array_count(bench->forgotten_ids));
	bench->forgotten_ids[bench->forgotten++] = cgroup_id;
}

static int bench_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	char sockets[160];
	struct containers_env env = {
		.metrics = &bench->metrics,
		.limit = 16,
		.sockets = sockets,
		.answered = bench_on_answer,
		.forgot = bench_on_forgotten,
		.refused = bench_on_refused,
		.owner = bench,
	};

	metrics_init(&bench->metrics, metric_kinds, METRIC_COUNT);
	assert_int_equal(loop_new(&bench->loop, NULL), 0);
	for (int n = 0; n < 2; n++)
		snprintf(bench->sockets[n], sizeof(bench->sockets[n]),
			 "/tmp/test-container-%d-docker%d.sock", getpid(), n);
	snprintf(sockets, sizeof(sockets), "%s, %s", bench->sockets[0], bench->sockets[1]);
	env.loop = bench->loop;
	env.proc_fd = procfs_open("/proc", NULL);
	assert_true(env.proc_fd >= 0);
	assert_int_equal(containers_new(&bench->containers, &env, NULL), 0);
	bench->listener.fd = bench->link.fd = -1;
	*state = bench;
	return 0;
}

static int bench_down(void **state)
{
	struct bench *bench = *state;
	int fd = bench->listener.fd;

	containers_free(bench->containers);
	loop_fd_remove(bench->loop, &bench->listener);
	if (fd >= 0)
		close(fd);
	unlink(bench->sockets[0]);
	unlink(bench->sockets[1]);
	loop_free(bench->loop);
	metrics_done(&bench->metrics);
	free(bench);
	return 0;
}

/* The kernel's words: names from the group up to the root. */
static void bench_record(struct bench *bench, uint64_t id, const char *path)
{
	static struct ring_cgroup record;
	struct slice rest = slice_of(path), name;
	ssize_t at;

	record = (struct ring_cgroup){ .head = { .type = RING_cgroup, .cgroup_id = id } };
	while ((at = slice_find_last(rest, SLICE("/"))) >= 0) {
		name = slice_skip(rest, (size_t)at + 1);
		rest = slice_first(rest, (size_t)at);
		if (name.bytes)
			slice_copy(name, record.names[record.depth++], RING_CGROUP_NAME);
	}
	containers_record(bench->containers, &record);
}

static const struct container *bench_find(struct bench *bench, uint64_t id)
{
	const char *path;

	/* no process has this number: the path is known from the record, or not at all */
	return containers_find(bench->containers, id, UINT32_MAX, &path);
}

static void bench_wait(struct bench *bench, size_t answered)
{
	for (int n = 0; n < 1000 && bench->answered < answered; n++)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	assert_int_equal(bench->answered, answered);
}

#define HTTP(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define WEB		   HTTP("200 OK", "{\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx\",\"Labels\":{}}}")

static void one_question_for_each_container(void **state)
{
	struct bench *bench = *state;
	const struct container *container;
	const char *path;

	bench->answer = WEB;
	bench_listen(bench, bench->sockets[0]);
	bench_record(bench, 7, "/docker/" ID_A);
	bench_record(bench, 8, "/docker/" ID_A "/system.slice/cron.service");
	bench_record(bench, 9, "/system.slice/cron.service");
	container = bench_find(bench, 7);
	assert_non_null(container);
	assert_int_equal(container->state, CONTAINER_asked);
	assert_string_equal(container->id, ID_A);
	assert_null(container->name);
	assert_ptr_equal(bench_find(bench, 8), container);
	assert_null(bench_find(bench, 9));
	assert_null(bench_find(bench, 10));
	bench_wait(bench, 1);
	assert_int_equal(container->state, CONTAINER_known);
	assert_text(container->name, "web");
	assert_text(container->image, "nginx");
	assert_string_equal(container->runtime, "docker");
	assert_ptr_equal(containers_find(bench->containers, 8, 1, &path), container);
	assert_string_equal(path, "/docker/" ID_A "/system.slice/cron.service");
	assert_int_equal(loop_turn(bench->loop, 0, NULL), 0);
	assert_int_equal(bench->requests, 1);
	assert_memory_equal(bench->request, "GET /containers/" ID_A "/json HTTP/1.1\r\n", 90);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_containers), 1);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_container_lookups), 1);
}

static void pods_and_names_come_from_the_path(void **state)
{
	struct bench *bench = *state;
	const struct container *container;

	bench_record(bench, 7,
		     "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID_A ".scope");
	container = bench_find(bench, 7);
	assert_string_equal(container->pod_uid, UID);
	bench_record(bench, 8, "/machine.slice/machine-my\\x2ddeb.scope/payload");
	container = bench_find(bench, 8);
	assert_string_equal(container->id, "my\\x2ddeb");
	assert_text(container->name, "my-deb");
}

/* Two containers of one name, in two system containers. */
static void inner_names_may_be_the_same(void **state)
{
	struct bench *bench = *state;
	const struct container *one, *two;

	bench_record(bench, 7, "/docker/" ID_A "/syscont-cgroup-root/default/redis");
	bench_record(bench, 8, "/docker/" ID_B "/syscont-cgroup-root/default/redis");
	one = bench_find(bench, 7);
	two = bench_find(bench, 8);
	assert_string_equal(one->id, two->id);
	assert_string_equal(one->outer_id, ID_A);
	assert_string_equal(two->outer_id, ID_B);
}

static void an_unknown_one_is_asked_for_once_more(void **state)
{
	struct bench *bench = *state;
	struct container *container;

	bench->answer = HTTP("404 Not Found", "{\"message\":\"no\"}");
	bench_listen(bench, bench->sockets[0]);
	bench_record(bench, 7, "/docker/" ID_A);
	container = (struct container *)bench_find(bench, 7);
	bench_wait(bench, 1);
	assert_int_equal(container->state, CONTAINER_unknown);
	bench_find(bench, 7); /* too early */
	assert_int_equal(container->state, CONTAINER_unknown);
	container->again_ns = 1;
	bench_find(bench, 7);
	assert_int_equal(container->state, CONTAINER_asked);
	bench_wait(bench, 2);
	container->again_ns = 1;
	bench_find(bench, 7); /* no third time */
	assert_int_equal(container->state, CONTAINER_unknown);
	assert_int_equal(bench->requests, 2);
}

static void a_failing_engine_is_told_once(void **state)
{
	struct bench *bench = *state;
	const struct container *container;

	bench->answer = HTTP("500 No", "");
	bench_listen(bench, bench->sockets[0]);
	/* the second socket isn't there, which is told once, too */
	bench_record(bench, 7, "/docker/" ID_A);
	bench_record(bench, 8, "/docker/" ID_B);
	container = bench_find(bench, 7);
	bench_wait(bench, 1);
	assert_int_equal(container->state, CONTAINER_unknown);
	assert_int_equal(bench->refused, 2);
	bench_find(bench, 8);
	bench_wait(bench, 2);
	assert_int_equal(bench->refused, 2);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_container_lookups), 2);
}

static void a_new_socket_is_noticed(void **state)
{
	struct bench *bench = *state;
	const struct container *container;

	bench_record(bench, 7, "/docker/" ID_A);
	bench_record(bench, 8, "/docker/" ID_B);
	container = bench_find(bench, 7);
	bench_wait(bench, 1);
	assert_int_equal(container->state, CONTAINER_unknown);
	bench->answer = WEB;
	bench_listen(bench, bench->sockets[1]);
	bench_find(bench, 8); /* a new container's question looks for sockets at once */
	bench_wait(bench, 2);
	bench_find(bench, 7);
	assert_int_equal(container->state, CONTAINER_asked);
	bench_wait(bench, 3);
	assert_int_equal(container->state, CONTAINER_known);
	assert_int_equal(bench->requests, 2);
}

/* A container goes with its last group, also while its engine takes its time. */
static void the_oldest_make_room(void **state)
{
	struct bench *bench = *state;
	char path[128];

	bench_listen(bench, bench->sockets[0]);
	bench_record(bench, 1000, "/docker/" ID_A);
	bench_find(bench, 1000);
	for (int n = 0; n < 50 && bench->requests == 0; n++)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	assert_int_equal(bench->requests, 1);
	for (unsigned int n = 0; n < 20; n++) {
		snprintf(path, sizeof(path), "/docker/%064x", n);
		bench_record(bench, n + 1, path);
		bench_find(bench, 1); /* what is used stays */
		bench_find(bench, n + 1);
	}
	assert_null(bench_find(bench, 1000));
	assert_null(bench_find(bench, 2));
	assert_non_null(bench_find(bench, 1));
	assert_non_null(bench_find(bench, 20));
	assert_int_equal(metrics_total(&bench->metrics, METRIC_containers), 16);
	/* The one that knows their paths is told, so that they can come again. */
	assert_int_equal(bench->forgotten, 5);
	assert_int_equal(bench->forgotten_ids[0], 1000);
	assert_int_equal(bench->forgotten_ids[1], 2);
	assert_int_equal(bench->forgotten_ids[4], 5);
	bench_record(bench, 2, "/docker/" ID_B);
	assert_non_null(bench_find(bench, 2));
	assert_int_equal(bench->forgotten, 6);
	/* six groups and the containers that were in them */
	assert_int_equal(metrics_total(&bench->metrics, METRIC_process_evictions), 12);
	assert_int_equal(bench->answered, 0);
}

static void a_cut_path_is_read_from_proc(void **state)
{
	struct bench *bench = *state;
	const struct container *container;
	char name[200];
	const char *path;

	memset(name, 'x', sizeof(name));
	memcpy(name, "/docker/", 8);
	name[sizeof(name) - 1] = '\0';
	bench_record(bench, 7, name);
	container = containers_find(bench->containers, 7, UINT32_MAX, &path);
	assert_null(container);
	assert_int_equal(strlen(path), 8 + RING_CGROUP_NAME - 1);
	/* no control group of ours has this number: what /proc says now is about another */
	container = containers_find(bench->containers, 0x7fffffffffff, (uint32_t)getpid(), &path);
	assert_null(container);
}

/* /proc has little left to say of a zombie: what the kernel told before stays. */
static void a_dying_process_keeps_its_group(void **state)
{
	struct processes processes;
	struct ring_exec record;
	const struct process *process;
	siginfo_t info;
	int proc_fd = procfs_open("/proc", NULL);
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(procfs_describe(proc_fd, (uint32_t)pid, RING_HIERARCHY_unified, &record),
			 0);
	assert_int_equal(record.path_bytes, 0);
	record.head.cgroup_id = 4711;
	record.path_bytes = (__u32)slice_copy(SLICE("/bin/x"), record.path, sizeof(record.path));
	processes_init(&processes, proc_fd, RING_HIERARCHY_unified, 16);
	processes_record(&processes, &record.head);
	process = processes_find(&processes, (uint32_t)pid, 0);
	assert_non_null(process);
	assert_string_equal(process->exe->at, "/bin/x");
	assert_int_equal(process->cgroup_id, 4711);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	processes_done(&processes);
	close(proc_fd);
}

static void names_of_sockets_are_checked(void **state)
{
	struct containers_env env = { .sockets = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p" };
	struct containers *containers;
	struct error err;

	(void)state;
	assert_int_equal(containers_new(&containers, &env, &err), -E2BIG);
	assert_string_equal(err.text, "too many container sockets; name at most 11");
}

int main(void)
{
#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_up, bench_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_tell_containers),
		cmocka_unit_test(docker_answers_are_read),
		cmocka_unit_test(labels_are_bounded),
		cmocka_unit_test(bundles_tell_the_pod),
		cmocka_unit_test(storage_tells_name_and_image),
		cmocka_unit_test(monitors_say_where_the_bundle_is),
		ON_BENCH(one_question_for_each_container),
		ON_BENCH(pods_and_names_come_from_the_path),
		ON_BENCH(inner_names_may_be_the_same),
		ON_BENCH(an_unknown_one_is_asked_for_once_more),
		ON_BENCH(a_failing_engine_is_told_once),
		ON_BENCH(a_new_socket_is_noticed),
		ON_BENCH(the_oldest_make_room),
		ON_BENCH(a_cut_path_is_read_from_proc),
		cmocka_unit_test(a_dying_process_keeps_its_group),
		cmocka_unit_test(names_of_sockets_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
