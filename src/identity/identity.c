/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/identity.h"

void identity_record(struct identity *identity, const struct ring_head *head)
{
	if (head->type == RING_cgroup)
		containers_record(identity->containers, (const struct ring_cgroup *)head);
	else
		processes_record(&identity->processes, head);
}

static void identity_put_text(struct event *event, enum event_field field, const char *text)
{
	if (text && *text && event_kind_has(event->kind, field) && !event_has(event, field))
		event_text(event, field, slice_of(text));
}

static void identity_put_shared(struct event *event, enum event_field field,
				const struct process_text *text)
{
	identity_put_text(event, field, text ? text->at : NULL);
}

static void identity_put_number(struct event *event, enum event_field field, uint64_t number)
{
	if (number && event_kind_has(event->kind, field) && !event_has(event, field))
		event_number(event, field, number);
}

static void identity_put_process(struct event *event, const struct process *process)
{
	identity_put_text(event, FIELD_comm, process->comm);
	identity_put_shared(event, FIELD_exe, process->exe);
	identity_put_shared(event, FIELD_command_line, process->command_line);
	if (!event_has(event, FIELD_uid))
		event_number(event, FIELD_uid, process->uid);
	identity_put_number(event, FIELD_start_time, process->start_wall_ns);
	identity_put_number(event, FIELD_ppid, process->ppid);
	identity_put_shared(event, FIELD_ancestors, process->lineage);
	identity_put_number(event, FIELD_ns_mnt, process->ns_mnt);
	identity_put_number(event, FIELD_ns_net, process->ns_net);
	identity_put_number(event, FIELD_ns_pid, process->ns_pid);
	identity_put_number(event, FIELD_ns_user, process->ns_user);
}

static void identity_put_container(struct event *event, const struct container *container)
{
	identity_put_text(event, FIELD_container_id, container->id);
	identity_put_text(event, FIELD_container_outer_id, container->outer_id);
	/* The answer may tell better, and what an event has it keeps. */
	if (container->state != CONTAINER_asked ||
	    strcmp(container->runtime, CONTAINER_RUNTIME_UNKNOWN) != 0)
		identity_put_text(event, FIELD_container_runtime, container->runtime);
	identity_put_text(event, FIELD_container_name, container->name);
	identity_put_text(event, FIELD_container_image, container->image);
	identity_put_text(event, FIELD_pod_uid, container->pod_uid);
	identity_put_text(event, FIELD_pod_name, container->pod_name);
	identity_put_text(event, FIELD_pod_namespace, container->pod_namespace);
	identity_put_text(event, FIELD_pod_container, container->pod_container);
	if (container->label_count && !event_has(event, FIELD_container_labels))
		event_map(event, FIELD_container_labels,
			  (struct event_map){ container->labels, container->label_count });
}

/* What the sensor took for a process is one of its threads. */
static void identity_set_thread(struct event *event, uint32_t pid)
{
	for (size_t n = 0; n < event->count; n++) {
		if (event->values[n].field != FIELD_pid)
			continue;
		identity_put_number(event, FIELD_tid, event->values[n].number);
		event->values[n].number = pid;
		return;
	}
}

enum identity_answer identity_enrich(struct identity *identity, struct event *event)
{
	const struct event_value *value = event_find(event, FIELD_pid);
	const struct container *container;
	const struct process *process;
	const char *path = NULL;

	if (!value || !event_kind_has(event->kind, FIELD_exe))
		return IDENTITY_complete;
	process = processes_find_thread(&identity->processes, (uint32_t)value->number,
					event->boot_ns);
	if (!process)
		return IDENTITY_wait;
	if (process->pid != value->number)
		identity_set_thread(event, process->pid);
	identity_put_process(event, process);
	container = containers_find(identity->containers, process->cgroup_id, process->pid, &path);
	identity_put_text(event, FIELD_cgroup, path);
	if (!container)
		return IDENTITY_complete;
	identity_put_container(event, container);
	return container->state == CONTAINER_asked ? IDENTITY_wait : IDENTITY_complete;
}
