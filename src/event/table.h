/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - THE table of what can happen and what is said of it.
 *
 * Everything that names an event or a field is a loop over these rows: JSON, CEF, syslog structured
 * data, the readable line, filters, docs/events.md. Names are OpenTelemetry's attribute names where
 * it has one.
 */
#ifndef EVENT_TABLE_H
#define EVENT_TABLE_H

/*
 * FIELDS: X(id, name, type, CEF extension key or NULL to derive one, help)
 *
 * Types: text; u64; i64; hex (a 64-bit address or code, written as "0x..." text because JSON
 * numbers lose bits above 2^53); flag; ns (a time span in nanoseconds); time (nanoseconds since
 * 1970, written as RFC 3339); bytes; map (names with texts); json (a value that is JSON already).
 */
#define EVENT_FIELDS(X)                                                                            \
	X(pid, "process.pid", u64, "dpid", "process id, as the host sees it")                      \
	X(tid, "thread.id", u64, NULL, "thread id, where it is not the process id")                \
	X(comm, "process.comm", text, "dproc",                                                     \
	  "the kernel's name of the thread, at most 15 bytes")                                     \
	X(exe, "process.executable.path", text, "filePath",                                        \
	  "path of the executable, as the process sees it")                                        \
	X(command_line, "process.command_line", text, NULL, "arguments, joined by blanks")         \
	X(uid, "process.user.id", u64, "duid", "effective user id, as the host sees it")           \
	X(start_time, "process.creation.time", time, NULL, "when the process was made")            \
	X(ppid, "process.parent_pid", u64, "spid", "process id of the parent")                     \
	X(ancestors, "process.ancestors", text, NULL,                                              \
	  "the parents up to the container's or host's init, nearest first, as name[pid]")         \
	X(cgroup, "process.linux.cgroup", text, NULL, "control group path, as the host sees it")   \
	X(ns_mnt, "process.namespace.mnt", u64, NULL, "mount namespace (inode number)")            \
	X(ns_net, "process.namespace.net", u64, NULL, "network namespace (inode number)")          \
	X(ns_pid, "process.namespace.pid", u64, NULL, "pid namespace (inode number)")              \
	X(ns_user, "process.namespace.user", u64, NULL, "user namespace (inode number)")           \
	X(exit_code, "process.exit.code", u64, NULL, "exit code; absent when a signal ended it")   \
	X(container_id, "container.id", text, NULL,                                                \
	  "container id, as its engine calls it; the innermost one")                               \
	X(container_outer_id, "container.outer.id", text, NULL,                                    \
	  "id of the container around it, for a container inside a container")                     \
	X(container_name, "container.name", text, NULL, "container name, from its engine")         \
	X(container_image, "container.image.name", text, NULL,                                     \
	  "image, as the container was asked for")                                                 \
	X(container_runtime, "container.runtime.name", text, NULL,                                 \
	  "who runs it: docker, containerd, cri-o, podman, ...")                                   \
	X(container_labels, "container.label", map, NULL, "the container's labels")                \
	X(pod_name, "k8s.pod.name", text, NULL, "pod name")                                        \
	X(pod_uid, "k8s.pod.uid", text, NULL, "pod uid")                                           \
	X(pod_namespace, "k8s.namespace.name", text, NULL, "namespace of the pod")                 \
	X(pod_container, "k8s.container.name", text, NULL, "the container's name in the pod")      \
	X(kmsg_sequence, "kmsg.sequence", u64, NULL, "sequence number of the kernel log record")   \
	X(kmsg_level, "kmsg.level", text, NULL, "the record's level: emerg ... debug")             \
	X(kmsg_text, "kmsg.text", text, "msg", "the record's text; several lines for a report")    \
	X(kmsg_facility, "kmsg.facility", text, NULL, "the record's facility: kern, user, ...")    \
	X(trap, "trap.kind", text, "reason",                                                       \
	  "what the processor or kernel refused: segfault, general_protection, ...")               \
	X(signal, "signal.name", text, NULL, "signal, such as SIGSEGV")                            \
	X(signal_number, "signal.number", u64, NULL, "its number")                                 \
	X(fault_address, "fault.address", hex, NULL, "the address that could not be accessed")     \
	X(fault_ip, "fault.ip", hex, NULL, "instruction pointer")                                  \
	X(fault_sp, "fault.sp", hex, NULL, "stack pointer")                                        \
	X(fault_code, "fault.error_code", hex, NULL,                                               \
	  "the processor's error code (x86) or syndrome (arm64 ESR)")                              \
	X(fault_reason, "fault.reason", text, NULL,                                                \
	  "no_page, protection, or the kernel's words for it")                                     \
	X(fault_access, "fault.access", text, NULL, "read, write or execute")                      \
	X(fault_mode, "fault.mode", text, NULL, "user or kernel")                                  \
	X(module, "code.module.name", text, "fname",                                               \
	  "file of the mapping that holds the instruction pointer")                                \
	X(module_start, "code.module.start", hex, NULL, "start address of that mapping")           \
	X(module_bytes, "code.module.size", bytes, NULL, "size of that mapping")                   \
	X(module_offset, "code.module.offset", hex, NULL,                                          \
	  "offset of the instruction in the file, or in the mapping on kernels that don't print "  \
	  "the file offset; the same in every run, whatever ASLR does")                            \
	X(code_bytes, "code.bytes", text, NULL,                                                    \
	  "bytes around the instruction, as the kernel prints them")                               \
	X(cpu, "cpu.logical_number", u64, NULL, "processor it ran on")                             \
	X(registers, "cpu.registers", map, NULL, "registers, by the kernel's names for them")      \
	X(suppressed_function, "kmsg.suppressed.function", text, NULL,                             \
	  "kernel function whose messages were held back")                                         \
	X(suppressed_count, "kmsg.suppressed.count", u64, "cnt",                                   \
	  "how many messages were held back")                                                      \
	X(audit_serial, "audit.serial", u64, NULL, "serial number of the audit record")            \
	X(audit_type, "audit.type", u64, NULL, "type of the audit record (linux/audit.h)")         \
	X(audit_login_uid, "audit.login_uid", u64, NULL, "user id at login; absent when unset")    \
	X(audit_session, "audit.session", u64, NULL, "login session; absent when unset")           \
	X(syscall_number, "syscall.number", u64, NULL, "system call number")                       \
	X(syscall_arch, "syscall.arch", hex, NULL, "architecture of the number (linux/audit.h)")   \
	X(lsm, "lsm.name", text, NULL, "security module: selinux, apparmor, landlock, ...")        \
	X(lsm_operation, "lsm.operation", text, NULL, "what was tried")                            \
	X(lsm_subject, "lsm.subject", text, NULL, "profile or context that tried it")              \
	X(lsm_object, "lsm.object", text, NULL, "what it was tried on")                            \
	X(lsm_target, "lsm.target", text, NULL, "context of what it was tried on")                 \
	X(lsm_class, "lsm.class", text, NULL, "class of the object")                               \
	X(lsm_denied, "lsm.denied", text, NULL, "permissions refused")                             \
	X(lsm_permissive, "lsm.permissive", flag, NULL, "true: reported, but allowed")             \
	X(report, "kernel.report.kind", text, "reason",                                            \
	  "which report: oops, null_dereference, kasan, ...")                                      \
	X(report_title, "kernel.report.title", text, NULL, "its first telling line")               \
	X(report_function, "kernel.report.function", text, NULL, "kernel function it happened in") \
	X(report_lines, "kernel.report.lines", u64, NULL, "lines of the report")                   \
	X(kernel_release, "kernel.release", text, NULL, "kernel release the report names")         \
	X(kernel_taint, "kernel.taint", text, NULL, "taint the report names")                      \
	X(kernel_module, "kernel.module", text, NULL, "kernel module concerned")                   \
	X(task_blocked, "task.blocked", ns, NULL, "for how long the task or processor was stuck")  \
	X(oom_constraint, "oom.constraint", text, NULL,                                            \
	  "why memory was short: none (the machine), memcg, cpuset, memory_policy")                \
	X(oom_cgroup, "oom.cgroup", text, NULL, "control group that ran out, for memcg")           \
	X(oom_total_vm, "oom.total_vm", bytes, NULL, "the victim's virtual memory")                \
	X(oom_anon_rss, "oom.anon_rss", bytes, NULL, "the victim's anonymous memory")              \
	X(oom_file_rss, "oom.file_rss", bytes, NULL, "the victim's file-backed memory")            \
	X(oom_shmem_rss, "oom.shmem_rss", bytes, NULL, "the victim's shared memory")               \
	X(oom_page_tables, "oom.page_tables", bytes, NULL, "the victim's page tables")             \
	X(oom_score_adj, "oom.score_adj", i64, NULL, "the victim's oom_score_adj")                 \
	X(other_pid, "target.process.pid", u64, NULL, "process acted upon")                        \
	X(other_comm, "target.process.comm", text, NULL, "its name")                               \
	X(setting, "setting.name", text, NULL, "kernel setting, as sysctl(8) or sysfs names it")   \
	X(setting_expected, "setting.expected", text, NULL, "value it should have")                \
	X(setting_observed, "setting.observed", text, NULL, "value it had")                        \
	X(setting_restored, "setting.restored", flag, NULL,                                        \
	  "whether the expected value was put back")                                               \
	X(setting_error, "setting.error", text, NULL, "why it could not be put back")              \
	X(loss_place, "loss.place", text, NULL, "where events were lost")                          \
	X(loss_reason, "loss.reason", text, NULL, "why")                                           \
	X(loss_count, "loss.count", u64, "cnt", "how many since the last report")                  \
	X(loss_total, "loss.total", u64, NULL, "how many since start")                             \
	X(measure_name, "measurement.name", text, NULL, "what is measured, such as volume.out")    \
	X(measure_value, "measurement.value", i64, "cnt", "the value, or the sum of several")      \
	X(measure_unit, "measurement.unit", text, NULL, "count, byte or duration (nanoseconds)")   \
	X(measure_kinds, "measurement.kinds", u64, NULL,                                           \
	  "bits: 1 counter, 2 gauge, 4 meter, 8 histogram, 16 timer, 32 set, 128 percentile")      \
	X(measure_samples, "measurement.samples", u64, NULL, "how many were summed, if several")   \
	X(measure_span, "measurement.span", ns, NULL, "the time over which they were summed")      \
	X(measure_tags, "measurement.tags", map, NULL, "what it was measured at")                  \
	X(measure_element, "measurement.element", text, NULL, "of a set: what was seen")           \
	X(detection_score, "detection.score", u64, NULL, "how sure and how bad, 0 to 100")         \
	X(detection_reason, "detection.reason", text, "msg", "why it was raised, in a sentence")   \
	X(detection_register, "detection.register", text, NULL,                                    \
	  "register whose value moves: ip, RDI, RSI, ...")                                         \
	X(detection_key, "detection.key", text, NULL,                                              \
	  "the same for all detections of one case; for deduplication")                            \
	X(detection_state, "detection.state", text, NULL,                                          \
	  "raised, or resolved when it has been quiet")                                            \
	X(detection_count, "detection.event_count", u64, "cnt",                                    \
	  "events behind it, suppressed ones included")                                            \
	X(detection_span, "detection.span", ns, NULL, "from the first of them to the last")        \
	X(detection_values, "detection.values", json, NULL,                                        \
	  "what the events have in common or how they step (summary)")                             \
	X(detection_events, "detection.events", json, NULL, "the events themselves (full)")        \
	X(technique_id, "threat.technique.id", text, NULL, "MITRE ATT&CK technique")               \
	X(technique_name, "threat.technique.name", text, NULL, "its name")                         \
	X(transport, "network.transport", text, "proto", "tcp or udp")                             \
	X(network_type, "network.type", text, NULL, "ipv4 or ipv6")                                \
	X(network_role, "network.role", text, NULL,                                                \
	  "client: this side asked for the connection; server: it was asked; absent when that "    \
	  "was "                                                                                   \
	  "before the start")                                                                      \
	X(local_address, "network.local.address", text, "src", "this side's address")              \
	X(local_port, "network.local.port", u64, "spt", "this side's port")                        \
	X(peer_address, "network.peer.address", text, "dst", "the other side's address")           \
	X(peer_port, "network.peer.port", u64, "dpt", "the other side's port")                     \
	X(sent_bytes, "network.sent.bytes", bytes, "out",                                          \
	  "payload sent, without what was sent again")                                             \
	X(received_bytes, "network.received.bytes", bytes, "in", "payload received")               \
	X(sent_packets, "network.sent.packets", u64, NULL, "TCP segments or UDP datagrams sent")   \
	X(received_packets, "network.received.packets", u64, NULL,                                 \
	  "TCP segments or UDP datagrams received")                                                \
	X(duration, "network.duration", ns, NULL,                                                  \
	  "how long the connection was open; absent when it was opened before the start")          \
	X(connect_latency, "network.connect.latency", ns, NULL,                                    \
	  "from asking for the connection to having it, or to giving up")                          \
	X(error_type, "error.type", text, "reason", "error, as errno(3) names it")                 \
	X(tcp_untold_sent, "tcp.untold.sent.bytes", bytes, NULL,                                   \
	  "of the payload sent, what no tcp.flow has told; absent when none has told any")         \
	X(tcp_untold_received, "tcp.untold.received.bytes", bytes, NULL,                           \
	  "of the payload received, what no tcp.flow has told")                                    \
	X(tcp_end, "tcp.end", text, NULL,                                                          \
	  "how the connection ended: fin, reset_local, reset_peer or timeout")                     \
	X(tcp_retransmits, "tcp.retransmits", u64, NULL, "segments sent again")                    \
	X(tcp_rtt, "tcp.rtt", ns, NULL, "smoothed round-trip time")                                \
	X(dropped_packets, "network.dropped.packets", u64, NULL,                                   \
	  "datagrams received that found no room in the socket's queue")                           \
	X(dns_question, "dns.question.name", text, "requestContext",                               \
	  "name asked for; bytes other than letters, digits, - and _ as \\DDD (RFC 1035)")         \
	X(dns_type, "dns.question.type", text, NULL, "type asked for: A, AAAA, MX, ...")           \
	X(dns_class, "dns.question.class", text, NULL, "its class, where it is not IN")            \
	X(dns_opcode, "dns.opcode", text, NULL, "kind of request, where it is not QUERY")          \
	X(dns_id, "dns.id", u64, NULL, "the message's id")                                         \
	X(dns_rcode, "dns.response_code", text, NULL, "NOERROR, NXDOMAIN, SERVFAIL, ...")          \
	X(dns_answers, "dns.answers", json, NULL,                                                  \
	  "records of the answer: name, type, ttl and data of each, CNAME chains in their order")  \
	X(dns_answer_count, "dns.answer.count", u64, NULL,                                         \
	  "how many there were; dns.answers has the first")                                        \
	X(dns_flags, "dns.flags", text, NULL, "flags of the answer: aa tc rd ra ad cd")            \
	X(dns_edns_bytes, "dns.edns.size", bytes, NULL,                                            \
	  "largest UDP message that who asked can take (EDNS)")                                    \
	X(dns_latency, "dns.latency", ns, NULL, "from the question to the answer")                 \
	X(dns_unasked, "dns.unasked", flag, NULL, "true: no question to this answer was seen")     \
	X(tls_version, "tls.protocol.version", text, NULL, "version that the server chose")        \
	X(tls_cipher, "tls.cipher", text, NULL, "cipher suite that the server chose")              \
	X(tls_alpn, "tls.next_protocol", text, "app", "protocol that the server chose (ALPN)")     \
	X(tls_server_name, "tls.client.server_name", text, "dhost",                                \
	  "name of the server that the client wants (SNI)")                                        \
	X(tls_client_alpn, "tls.client.alpn", text, NULL, "protocols offered")                     \
	X(tls_client_versions, "tls.client.versions", text, NULL, "versions offered")              \
	X(tls_client_ciphers, "tls.client.supported_ciphers", text, NULL,                          \
	  "cipher suites offered, in hexadecimal")                                                 \
	X(tls_encrypted_hello, "tls.client.encrypted_hello", flag, NULL,                           \
	  "true: the hello that can be read may hide another (ECH)")                               \
	X(tls_ja3, "tls.client.ja3", text, NULL, "fingerprint of the client: JA3")                 \
	X(tls_ja4, "tls.client.ja4", text, NULL, "fingerprint of the client: JA4")                 \
	X(tls_ja3s, "tls.server.ja3s", text, NULL, "fingerprint of the server: JA3S")              \
	X(tls_subject, "tls.server.subject", text, NULL,                                           \
	  "whose the server's certificate is; TLS 1.2 and before show it")                         \
	X(tls_issuer, "tls.server.issuer", text, NULL, "who signed it")                            \
	X(tls_not_after, "tls.server.not_after", time, NULL, "until when it is valid")             \
	X(tls_alert, "tls.alert", text, NULL, "alert that the server sent instead of a hello")     \
	X(tls_latency, "tls.latency", ns, NULL, "from the client's hello to the server's")         \
	X(http_method, "http.request.method", text, "requestMethod", "GET, POST, ...")             \
	X(url_path, "url.path", text, "request", "what was asked for, as the request has it")      \
	X(http_version, "network.protocol.version", text, NULL, "version of HTTP")                 \
	X(http_host, "server.address", text, NULL, "the request's Host")                           \
	X(user_agent, "user_agent.original", text, "requestClientApplication",                     \
	  "the request's User-Agent")                                                              \
	X(http_status, "http.response.status_code", u64, NULL, "status of the answer")             \
	X(http_latency, "http.latency", ns, NULL, "from the request to the answer")                \
	X(working_directory, "process.working_directory", text, NULL,                              \
	  "working directory, as the process sees it; begins with ... when it is too long")        \
	X(interpreter, "process.interpreter.path", text, NULL, "who runs the script")              \
	X(real_uid, "process.real_user.id", u64, NULL,                                             \
	  "real user id, as the host sees it, where it is not the effective one")                  \
	X(capabilities, "process.capabilities.effective", hex, NULL,                               \
	  "effective capabilities, as bits (capabilities(7)); absent when there are none")         \
	X(privileges_gained, "process.privileges_gained", flag, NULL,                              \
	  "true: the file gives rights that who started it has not (set-user-id, capabilities)")   \
	X(exe_memory, "process.executable.in_memory", flag, NULL,                                  \
	  "true: the program was never a file on a disk (memfd)")                                  \
	X(exe_unlinked, "process.executable.unlinked", flag, NULL,                                 \
	  "true: the program's file has been deleted")                                             \
	X(exe_upper, "process.executable.upper_layer", flag, NULL,                                 \
	  "true: the program is not from the container's image: it was written later")             \
	X(syscall_name, "syscall.name", text, "act", "system call")                                \
	X(syscall_args, "syscall.arguments", text, NULL,                                           \
	  "arguments that are no pointers, as name=0xvalue")                                       \
	X(syscall_count, "syscall.count", u64, "cnt", "calls since the last report")               \
	X(syscall_held, "syscall.repeated", u64, "cnt",                                            \
	  "calls of the process before this one that were not told: at most one a second is")      \
	X(file_path, "file.path", text, NULL,                                                      \
	  "the file, as the process sees it; begins with ... when its path is too long")           \
	X(file_target, "file.target_path", text, NULL,                                             \
	  "what a renamed file is called now; the new name of a linked one")                       \
	X(file_inode, "file.inode", text, NULL, "inode number, as the kernel has it")              \
	X(file_device, "file.device", text, NULL,                                                  \
	  "device of its file system, as the kernel has it: major:minor")                          \
	X(file_type, "file.type", text, "fileType",                                                \
	  "regular, directory, symlink, character_device, block_device, fifo or socket")           \
	X(file_mode, "file.mode", text, "filePermission", "permissions, in octal")                 \
	X(file_owner, "file.owner.id", u64, NULL, "owner, as the host sees it")                    \
	X(file_group, "file.group.id", u64, NULL, "group, as the host sees it")                    \
	X(file_size, "file.size", bytes, "fsize", "size of the file")                              \
	X(file_links, "file.links", u64, NULL, "names that the file has, where it has several")    \
	X(file_flags, "file.flags", text, NULL, "flags of open(2), joined by |")                   \
	X(file_created, "file.created", flag, NULL, "true: it was made by that")                   \
	X(file_protection, "file.protection", text, NULL, "protection of mmap(2), joined by |")    \
	X(file_read, "file.read.bytes", bytes, NULL, "bytes read")                                 \
	X(file_written, "file.written.bytes", bytes, NULL, "bytes written")                        \
	X(file_mask, "file.fanotify_mask", text, NULL,                                             \
	  "what fanotify(7) told, where it did: all that the process did with the file until it "  \
	  "was read, joined by |")                                                                 \
	X(file_held, "file.suppressed", u64, "cnt",                                                \
	  "events of the process before this one that were not told: it caused more than "         \
	  "files.rate")

/* clang-format off */
/* Groups of fields that come together. */
#define EVENT_GROUP_process(F) F(pid) F(tid) F(comm) F(exe) F(command_line) F(uid) F(start_time) \
	F(ppid) F(ancestors) F(cgroup) F(ns_mnt) F(ns_net) F(ns_pid) F(ns_user) F(container_id) \
	F(container_outer_id) F(container_name) F(container_image) F(container_runtime) \
	F(container_labels) F(pod_name) F(pod_uid) F(pod_namespace) F(pod_container)
#define EVENT_GROUP_kmsg(F) F(kmsg_sequence) F(kmsg_level) F(kmsg_text)
#define EVENT_GROUP_module(F) F(module) F(module_start) F(module_bytes) F(module_offset)
#define EVENT_GROUP_audit(F) F(audit_serial) F(audit_type) F(audit_login_uid) F(audit_session)
#define EVENT_GROUP_report(F) F(report) F(report_title) F(report_function) F(report_lines) \
	F(kernel_release) F(kernel_taint) F(kernel_module) F(cpu) F(registers) F(code_bytes)
#define EVENT_GROUP_network(F) F(transport) F(network_type) F(network_role) F(local_address) \
	F(local_port) F(peer_address) F(peer_port)
#define EVENT_GROUP_traffic(F) F(sent_bytes) F(received_bytes) F(sent_packets) F(received_packets)
#define EVENT_GROUP_file(F) F(file_path) F(file_inode) F(file_device) F(file_type) F(file_links) \
	F(error_type) F(file_mask) F(file_held)
#define EVENT_GROUP_file_owner(F) F(file_mode) F(file_owner) F(file_group)
#define EVENT_GROUP_detection(F) F(detection_score) F(detection_reason) F(detection_key) \
	F(detection_state) F(detection_count) F(detection_span) F(detection_values) \
	F(detection_events) F(technique_id) F(technique_name)

/* Which fields an event of a kind may carry. */
#define EVENT_HAS_process_exec(F) EVENT_GROUP_process(F) F(working_directory) F(interpreter) \
	F(real_uid) F(capabilities) F(privileges_gained) F(exe_memory) F(exe_unlinked) F(exe_upper)
#define EVENT_HAS_process_exit(F) EVENT_GROUP_process(F) F(exit_code) F(signal) F(signal_number)
#define EVENT_HAS_process_trap(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) F(trap) F(signal) \
	F(signal_number) F(fault_address) F(fault_ip) F(fault_sp) F(fault_code) F(fault_reason) \
	F(fault_access) F(fault_mode) EVENT_GROUP_module(F) F(code_bytes) F(cpu) F(registers) \
	F(kernel_release) F(kernel_taint)
#define EVENT_HAS_process_fatal_signal(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) F(signal) \
	F(signal_number) F(fault_ip) F(fault_sp) F(code_bytes) F(cpu) F(registers) \
	F(kernel_release) F(kernel_taint)
#define EVENT_HAS_process_abend(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_audit(F) F(signal) F(signal_number)
#define EVENT_HAS_process_exec_stack(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F)
#define EVENT_HAS_seccomp_action(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_audit(F) F(signal) F(signal_number) F(syscall_number) F(syscall_arch) \
	F(fault_ip) F(fault_code)
#define EVENT_HAS_lsm_denied(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) EVENT_GROUP_audit(F) \
	F(lsm) F(lsm_operation) F(lsm_subject) F(lsm_object) F(lsm_target) F(lsm_class) \
	F(lsm_denied) F(lsm_permissive)
#define EVENT_HAS_ptrace_denied(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) F(lsm) \
	F(lsm_operation) F(other_pid) F(other_comm)
#define EVENT_HAS_kernel_fault(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_report(F) F(fault_address) F(fault_ip) F(fault_sp) F(fault_code) \
	F(fault_access)
#define EVENT_HAS_kernel_warning(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_report(F)
#define EVENT_HAS_kernel_sanitizer(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_report(F) F(fault_address) F(fault_access)
#define EVENT_HAS_kernel_hardening(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_report(F)
#define EVENT_HAS_kernel_stall(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_report(F) F(task_blocked)
#define EVENT_HAS_kernel_oom_kill(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	EVENT_GROUP_report(F) F(oom_constraint) F(oom_cgroup) F(oom_total_vm) F(oom_anon_rss) \
	F(oom_file_rss) F(oom_shmem_rss) F(oom_page_tables) F(oom_score_adj)
#define EVENT_HAS_kernel_module(F) EVENT_GROUP_kmsg(F) F(kernel_module) F(kernel_taint) \
	F(report_title)
#define EVENT_HAS_kernel_memory_error(F) EVENT_GROUP_process(F) EVENT_GROUP_kmsg(F) \
	F(fault_address) F(signal) F(signal_number)
#define EVENT_HAS_kmsg_suppressed(F) EVENT_GROUP_kmsg(F) F(suppressed_function) \
	F(suppressed_count)
#define EVENT_HAS_kmsg_forged(F) EVENT_GROUP_kmsg(F) F(kmsg_facility) F(comm) F(pid)
#define EVENT_HAS_setting_drift(F) F(setting) F(setting_expected) F(setting_observed) \
	F(setting_restored) F(setting_error)
#define EVENT_GROUP_measure(F) F(measure_name) F(measure_value) F(measure_unit) F(measure_kinds) \
	F(measure_samples) F(measure_span) F(measure_tags) F(measure_element)
#define EVENT_HAS_measurement(F) EVENT_GROUP_process(F) EVENT_GROUP_measure(F)
#define EVENT_HAS_statsd_metric(F) EVENT_GROUP_measure(F)
#define EVENT_HAS_osquery_row(F) EVENT_GROUP_measure(F)
#define EVENT_HAS_loss(F) F(loss_place) F(loss_reason) F(loss_count) F(loss_total)
#define EVENT_HAS_register_probe(F) EVENT_GROUP_process(F) EVENT_GROUP_detection(F) \
	F(detection_register)
#define EVENT_HAS_canary_probe(F) EVENT_GROUP_process(F) EVENT_GROUP_detection(F)
#define EVENT_HAS_crash_cluster(F) EVENT_GROUP_process(F) EVENT_GROUP_detection(F) \
	EVENT_GROUP_module(F)
#define EVENT_HAS_crash_rate(F) EVENT_GROUP_process(F) EVENT_GROUP_detection(F)
#define EVENT_HAS_crash_loop(F) EVENT_GROUP_process(F) EVENT_GROUP_detection(F) \
	EVENT_GROUP_module(F) F(trap) F(signal)
#define EVENT_HAS_tcp_connect(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) F(connect_latency) \
	F(tcp_rtt)
#define EVENT_HAS_tcp_accept(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) F(tcp_rtt)
#define EVENT_HAS_tcp_close(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	EVENT_GROUP_traffic(F) F(tcp_untold_sent) F(tcp_untold_received) F(duration) \
	F(connect_latency) F(error_type) F(tcp_end) F(tcp_retransmits) F(tcp_rtt)
#define EVENT_HAS_tcp_flow(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	EVENT_GROUP_traffic(F) F(duration) F(tcp_retransmits) F(tcp_rtt)
#define EVENT_HAS_tcp_connect_failed(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	F(connect_latency) F(error_type) F(tcp_retransmits)
#define EVENT_HAS_udp_flow(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	EVENT_GROUP_traffic(F) F(dropped_packets) F(duration)
#define EVENT_GROUP_dns(F) F(dns_question) F(dns_type) F(dns_class) F(dns_opcode) F(dns_id) \
	F(dns_edns_bytes) F(sent_bytes) F(received_bytes)
#define EVENT_HAS_dns_lookup(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	EVENT_GROUP_dns(F) F(dns_rcode) F(dns_answers) F(dns_answer_count) F(dns_flags) \
	F(dns_latency) F(dns_unasked)
#define EVENT_HAS_dns_timeout(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	EVENT_GROUP_dns(F)
#define EVENT_HAS_tls_handshake(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	F(tls_version) F(tls_cipher) F(tls_alpn) F(tls_server_name) F(tls_client_alpn) \
	F(tls_client_versions) F(tls_client_ciphers) F(tls_encrypted_hello) F(tls_ja3) F(tls_ja4) \
	F(tls_ja3s) F(tls_subject) F(tls_issuer) F(tls_not_after) F(tls_alert) F(tls_latency)
#define EVENT_HAS_syscall_privileged(F) EVENT_GROUP_process(F) F(syscall_number) \
	F(syscall_name) F(syscall_args) F(other_pid) F(error_type) F(syscall_held)
#define EVENT_HAS_syscall_enter(F) EVENT_GROUP_process(F) F(syscall_number) F(syscall_name) \
	F(syscall_count)
#define EVENT_HAS_http_request(F) EVENT_GROUP_process(F) EVENT_GROUP_network(F) \
	F(http_method) F(url_path) F(http_version) F(http_host) F(user_agent) F(http_status) \
	F(http_latency)
#define EVENT_HAS_file_open(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) \
	EVENT_GROUP_file_owner(F) F(file_size) F(file_flags) F(file_created)
#define EVENT_HAS_file_close(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) F(file_size) \
	F(file_read) F(file_written)
#define EVENT_HAS_file_mmap(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) \
	EVENT_GROUP_file_owner(F) F(file_protection)
#define EVENT_HAS_file_rename(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) F(file_target)
#define EVENT_HAS_file_delete(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F)
#define EVENT_HAS_file_link(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) \
	EVENT_GROUP_file_owner(F) F(file_target)
#define EVENT_HAS_file_symlink(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F)
#define EVENT_HAS_file_mkdir(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F)
#define EVENT_HAS_file_chmod(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) EVENT_GROUP_file_owner(F)
#define EVENT_HAS_file_chown(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) EVENT_GROUP_file_owner(F)
#define EVENT_HAS_file_truncate(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) F(file_size)
#define EVENT_HAS_file_change(F) EVENT_GROUP_process(F) EVENT_GROUP_file(F) \
	EVENT_GROUP_file_owner(F) F(file_size) F(file_created)
/* clang-format on */

/*
 * KINDS: X(id, name, severity, title, line, help)
 *
 * `line` is the readable line: {field} is replaced by the field's value; a <part> is left out whole
 * when one of its fields is absent. Identity (container, pod) is put behind it for every kind.
 */
#define EVENT_KINDS(X)                                                                             \
	X(process_exec, "process.exec", info, "Process replaced its image",                        \
	  "{comm}<[{pid}]> exec< {command_line}>< (uid {uid})>",                                   \
	  "a process replaced its image: execve(2)")                                               \
	X(process_exit, "process.exit", info, "Process ended",                                     \
	  "{comm}<[{pid}]> exit< code {exit_code}>< {signal}>", "a process ended")                 \
	X(process_trap, "process.trap", error, "Process crashed",                                  \
	  "{comm}<[{pid}]> {trap}< at {fault_address}>< {fault_access}>< ip {fault_ip}>< in "      \
	  "{module}><+{module_offset}>< {signal}>",                                                \
	  "the processor or the kernel stopped a process: segmentation fault, invalid opcode, "    \
	  "...")                                                                                   \
	X(process_fatal_signal, "process.fatal_signal", error, "Process got a fatal signal",       \
	  "{comm}<[{pid}]> fatal {signal}< ip {fault_ip}>",                                        \
	  "a core-dumping signal ended a process, with its registers "                             \
	  "(kernel.print-fatal-signals)")                                                          \
	X(process_abend, "process.abend", error, "Process ended abnormally",                       \
	  "{comm}<[{pid}]> abend< {signal}>", "audit: a signal ended a process (ANOM_ABEND)")      \
	X(process_exec_stack, "process.exec_stack", warning, "Process has an executable stack",    \
	  "{exe} started with executable stack",                                                   \
	  "a program that wants an executable stack was started")                                  \
	X(seccomp_action, "seccomp.action", warning, "System call refused by seccomp",             \
	  "{comm}<[{pid}]> seccomp refused system call {syscall_number}< {signal}>",               \
	  "a seccomp filter refused a system call (audit 1326)")                                   \
	X(lsm_denied, "lsm.denied", warning, "Access denied by a security module",                 \
	  "{lsm} denied< {lsm_denied}>< {lsm_operation}>< on {lsm_object}>< to {lsm_subject}>< "   \
	  "({comm}[{pid}])>",                                                                      \
	  "SELinux, AppArmor, Landlock or another security module denied an access")               \
	X(ptrace_denied, "ptrace.denied", warning, "Tracing of a process denied",                  \
	  "ptrace {lsm_operation} of {other_comm}<[{other_pid}]> denied to "                       \
	  "{command_line}<[{pid}]>",                                                               \
	  "Yama refused a ptrace(2)")                                                              \
	X(kernel_fault, "kernel.fault", critical, "Kernel fault",                                  \
	  "kernel {report}: {report_title}< in {report_function}>< ({comm}[{pid}])>",              \
	  "the kernel itself faulted: oops, BUG, panic")                                           \
	X(kernel_warning, "kernel.warning", warning, "Kernel warning",                             \
	  "kernel {report}: {report_title}< in {report_function}>",                                \
	  "the kernel met what it holds for impossible (WARN_ON)")                                 \
	X(kernel_sanitizer, "kernel.sanitizer", critical, "Kernel memory error",                   \
	  "kernel {report}: {report_title}< in {report_function}>< ({comm}[{pid}])>",              \
	  "KASAN, KFENCE, KMSAN, KCSAN or UBSAN found a bug in the kernel being used")             \
	X(kernel_hardening, "kernel.hardening", critical, "Kernel self-protection struck",         \
	  "kernel {report}: {report_title}< ({comm}[{pid}])>",                                     \
	  "a check against exploitation fired: stack protector, usercopy, CFI, refcount, "         \
	  "lockdown")                                                                              \
	X(kernel_stall, "kernel.stall", error, "Kernel stalled",                                   \
	  "kernel {report}: {report_title}< ({comm}[{pid}])>",                                     \
	  "hung task, soft or hard lockup, RCU stall")                                             \
	X(kernel_oom_kill, "kernel.oom_kill", error, "Process killed for lack of memory",          \
	  "{comm}<[{pid}]> killed for lack of memory< ({oom_constraint})>< in {oom_cgroup}>",      \
	  "the out-of-memory killer chose a process")                                              \
	X(kernel_module, "kernel.module", warning, "Kernel module taints the kernel",              \
	  "kernel module< {kernel_module}>: {report_title}",                                       \
	  "an unsigned, out-of-tree or otherwise tainting module was loaded")                      \
	X(kernel_memory_error, "kernel.memory_error", error, "Hardware memory error",              \
	  "{comm}<[{pid}]> hit a hardware memory error< at {fault_address}>",                      \
	  "a process touched memory that the hardware lost")                                       \
	X(kmsg_suppressed, "kmsg.suppressed", warning, "Kernel messages suppressed",               \
	  "{suppressed_count} messages of {suppressed_function} suppressed",                       \
	  "the kernel held messages back (printk_ratelimit)")                                      \
	X(kmsg_forged, "kmsg.forged", error, "Forged kernel message",                              \
	  "forged kernel message (facility {kmsg_facility}): {kmsg_text}",                         \
	  "something in user space wrote a record that imitates a kernel message")                 \
	X(setting_drift, "setting.drift", warning, "Kernel setting changed",                       \
	  "{setting} is {setting_observed}, should be {setting_expected}<; not put back: "         \
	  "{setting_error}>",                                                                      \
	  "a kernel setting that Bulwark keeps was changed by somebody else")                      \
	X(loss, "loss", warning, "Events lost",                                                    \
	  "{loss_count} events lost at {loss_place}: {loss_reason}",                               \
	  "events were lost; how many, where and why")                                             \
	X(measurement, "measurement", debug, "Measurement",                                        \
	  "{measure_name} {measure_value}< {measure_unit}>< {measure_tags}>",                      \
	  "a number that a pipeline has made of events, or summed over an interval")               \
	X(statsd_metric, "statsd.metric", debug, "Number of a StatsD client",                      \
	  "{measure_name} {measure_value}< {measure_unit}>< {measure_element}>< {measure_tags}>",  \
	  "a number that a program has sent to the StatsD listener")                               \
	X(osquery_row, "osquery.row", info, "Answer of osquery",                                   \
	  "{measure_name} {measure_value}< {measure_unit}>< {measure_tags}>",                      \
	  "a row that osquery has answered to one of the queries")                                 \
	X(register_probe, "detection.register_probe", critical, "Register probe",                  \
	  "{detection_reason}",                                                                    \
	  "crashes of one program step a register or jump target through values: a blind search "  \
	  "for gadgets or addresses")                                                              \
	X(canary_probe, "detection.canary_probe", critical, "Stack canary probe",                  \
	  "{detection_reason}",                                                                    \
	  "a forking server keeps aborting as its stack protector fires or its return address is " \
	  "overwritten bytewise")                                                                  \
	X(crash_cluster, "detection.crash_cluster", critical, "Crash cluster",                     \
	  "{detection_reason}",                                                                    \
	  "one program crashes in many places close together: somebody feels their way")           \
	X(crash_rate, "detection.crash_rate", error, "Unusual crash rate", "{detection_reason}",   \
	  "one program crashes far more often than it used to")                                    \
	X(crash_loop, "detection.crash_loop", warning, "Crash loop", "{detection_reason}",         \
	  "one program crashes in one place again and again: a plain bug")                         \
	X(tcp_connect, "tcp.connect", info, "Connection made",                                     \
	  "<{comm}><[{pid}]> connected to {peer_address}:{peer_port}",                             \
	  "a connection that this host asked for was made")                                        \
	X(tcp_accept, "tcp.accept", info, "Connection accepted",                                   \
	  "<{comm}><[{pid}]> accepted {peer_address}:{peer_port}< on port {local_port}>",          \
	  "a connection that another asked for is used for the first time")                        \
	X(tcp_close, "tcp.close", info, "Connection ended",                                        \
	  "<{comm}><[{pid}]> ended {peer_address}:{peer_port}< sent {sent_bytes}>< received "      \
	  "{received_bytes}>< after {duration} s>< ({tcp_end})>",                                  \
	  "a connection ended; what went over it")                                                 \
	X(tcp_flow, "tcp.flow", info, "TCP traffic",                                               \
	  "<{comm}><[{pid}]> tcp {peer_address}:{peer_port}< sent {sent_bytes}>< received "        \
	  "{received_bytes}>",                                                                     \
	  "what went over a connection that stays open since the last report")                     \
	X(tcp_connect_failed, "tcp.connect_failed", warning, "Connection failed",                  \
	  "<{comm}><[{pid}]> could not connect to {peer_address}:{peer_port}<: {error_type}>",     \
	  "a connection that this host asked for was not made; no error: the process gave up")     \
	X(udp_flow, "udp.flow", info, "UDP traffic",                                               \
	  "<{comm}><[{pid}]> udp {peer_address}:{peer_port}< sent {sent_bytes}>< received "        \
	  "{received_bytes}>",                                                                     \
	  "datagrams between a process's socket and a peer since the last report")                 \
	X(dns_lookup, "dns.lookup", info, "Name looked up",                                        \
	  "<{comm}><[{pid}]> {dns_question} {dns_type}< {dns_rcode}>",                             \
	  "a question to a name server and its answer")                                            \
	X(dns_timeout, "dns.timeout", warning, "Name lookup without an answer",                    \
	  "<{comm}><[{pid}]> no answer to {dns_question} {dns_type} from "                         \
	  "{peer_address}:{peer_port}",                                                            \
	  "a question to a name server that nobody answered in time")                              \
	X(tls_handshake, "tls.handshake", info, "TLS connection begun",                            \
	  "<{comm}><[{pid}]> TLS< {tls_version}> with {peer_address}:{peer_port}<, "               \
	  "{tls_server_name}><, {tls_cipher}><, alert {tls_alert}>",                               \
	  "a TLS connection was begun; no version: the server did not answer")                     \
	X(http_request, "http.request", info, "HTTP request",                                      \
	  "<{comm}><[{pid}]> {http_method} <{http_host}>{url_path}< {http_status}>",               \
	  "a request of plain HTTP/1.x and the status of its answer; no status: there was none")   \
	X(syscall_enter, "syscall.enter", info, "System calls",                                    \
	  "<{comm}><[{pid}]> {syscall_name}<, {syscall_count} times>",                             \
	  "how often a process made a system call since the last report")                          \
	X(syscall_privileged, "syscall.privileged", warning, "Privileged system call",             \
	  "<{comm}><[{pid}]> {syscall_name}< {syscall_args}><: {error_type}>",                     \
	  "a system call that reaches for rights, another process, a namespace or the kernel")     \
	X(file_open, "file.open", info, "File opened",                                             \
	  "<{comm}><[{pid}]> opened {file_path}< ({file_flags})><: {error_type}>",                 \
	  "a watched file was opened")                                                             \
	X(file_close, "file.close", info, "File closed",                                           \
	  "<{comm}><[{pid}]> closed< {file_path}><, read {file_read}><, written {file_written}>",  \
	  "a watched file of which something was read or written was closed; no path: it has "     \
	  "no name any more")                                                                      \
	X(file_mmap, "file.mmap", info, "File mapped",                                             \
	  "<{comm}><[{pid}]> mapped {file_path}< ({file_protection})><: {error_type}>",            \
	  "a watched file was mapped into memory, to be run or to be changed")                     \
	X(file_rename, "file.rename", info, "File renamed",                                        \
	  "<{comm}><[{pid}]> renamed {file_path}< to {file_target}><: {error_type}>",              \
	  "a file was renamed that was watched before or is now")                                  \
	X(file_delete, "file.delete", info, "File deleted",                                        \
	  "<{comm}><[{pid}]> deleted {file_path}<: {error_type}>",                                 \
	  "a name of a watched file, or a watched directory, was removed")                         \
	X(file_link, "file.link", info, "File linked",                                             \
	  "<{comm}><[{pid}]> linked< {file_path}>< as {file_target}><: {error_type}>",             \
	  "a file got one more name, and one of the two is watched: link(2)")                      \
	X(file_symlink, "file.symlink", info, "Symbolic link made",                                \
	  "<{comm}><[{pid}]> made the symbolic link {file_path}<: {error_type}>",                  \
	  "a symbolic link was made in a watched directory")                                       \
	X(file_mkdir, "file.mkdir", info, "Directory made",                                        \
	  "<{comm}><[{pid}]> made the directory {file_path}<: {error_type}>",                      \
	  "a directory was made in a watched one")                                                 \
	X(file_chmod, "file.chmod", info, "File permissions changed",                              \
	  "<{comm}><[{pid}]> changed the mode of {file_path}< to {file_mode}><: {error_type}>",    \
	  "permissions of a watched file were changed")                                            \
	X(file_chown, "file.chown", info, "File owner changed",                                    \
	  "<{comm}><[{pid}]> changed the owner of {file_path}< to "                                \
	  "{file_owner}:{file_group}><: {error_type}>",                                            \
	  "owner or group of a watched file was changed")                                          \
	X(file_truncate, "file.truncate", info, "File truncated",                                  \
	  "<{comm}><[{pid}]> set the size of {file_path}< to {file_size}><: {error_type}>",        \
	  "the size of a watched file was set: truncate(2)")                                       \
	X(file_change, "file.change", info, "File changed",                                        \
	  "<{comm}><[{pid}]> changed {file_path}",                                                 \
	  "a watched file was changed through io_uring, which doesn't say how")

/* SEVERITIES: X(name, syslog severity, CEF severity, OpenTelemetry severity number) */
#define EVENT_SEVERITIES(X)                                                                        \
	X(debug, 7, 1, 5)                                                                          \
	X(info, 6, 3, 9)                                                                           \
	X(warning, 4, 5, 13)                                                                       \
	X(error, 3, 8, 17)                                                                         \
	X(critical, 2, 10, 21)

#endif
