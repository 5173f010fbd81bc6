/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/journal.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"

#define JOURNAL_LIMIT_BYTES (256u << 20)
#define JOURNAL_SPARE_BYTES (256u << 10)

/* --- writing --- */

static void journal_put_container(const struct container *container, struct text *out)
{
	const struct container_origin *origin = &container->origin;

	text_printf(out, "add %u %u %llu %u %u %u %llu %s\n", origin->slot, origin->init_pid,
		    (unsigned long long)origin->start_ticks, origin->uid, origin->gid,
		    origin->gid_count, (unsigned long long)container->start_ns, origin->id);
	for (size_t n = 0; n < LIMITS_CONTROLLER_COUNT; n++)
		if (container->limits.path[n])
			text_printf(out, "cgroup %u %s\n", origin->slot, container->limits.path[n]);
}

static void journal_put_values(struct container *container, struct text *out)
{
	const struct container_value *value;

	pthread_mutex_lock(&container->lock);
	list_each(&container->values, value, node)
		text_printf(out, "set %u %s %s\n", container->origin.slot, value->path,
			    value->value);
	pthread_mutex_unlock(&container->lock);
}

static int journal_append(struct journal *journal, const struct text *lines)
{
	int r;

	if (lines->failed)
		return -ENOMEM;
	pthread_mutex_lock(&journal->lock);
	r = file_write_all(journal->fd, text_slice(lines));
	if (r == 0)
		journal->bytes += lines->bytes;
	else if (ftruncate(journal->fd, (off_t)journal->bytes) < 0)
		r = -errno; /* half a line would spoil the next one */
	pthread_mutex_unlock(&journal->lock);
	return r;
}

int journal_add(struct journal *journal, const struct container *container)
{
	auto_text struct text lines = { 0 };

	journal_put_container(container, &lines);
	return journal_append(journal, &lines);
}

int journal_set(struct journal *journal, uint32_t slot, struct slice path, struct slice value)
{
	auto_text struct text line = { 0 };

	text_printf(&line, "set %u %.*s %.*s\n", slot, SLICE_ARG(path), SLICE_ARG(value));
	return journal_append(journal, &line);
}

int journal_gone(struct journal *journal, uint32_t slot)
{
	auto_text struct text line = { 0 };

	text_printf(&line, "gone %u\n", slot);
	return journal_append(journal, &line);
}

/* Under the lock: nothing is appended between what is read here and the new file. */
static int journal_rewrite(struct journal *journal, struct containers *containers,
			   struct error *err)
{
	struct container **all = containers_all(containers);
	auto_text struct text whole = { 0 };
	int fd, r;

	text_printf(&whole, "next %u\n", containers->next_slot);
	for (size_t n = 0; all && all[n]; n++) {
		journal_put_container(all[n], &whole);
		journal_put_values(all[n], &whole);
		container_unref(all[n]);
	}
	r = !all || whole.failed ? error_errno(err, ENOMEM, "write '%s'", journal->path)
				 : file_replace(journal->path, text_slice(&whole), 0600, err);
	free(all);
	if (r < 0)
		return r;
	fd = open(journal->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open '%s'", journal->path);
	auto_close_fd(&journal->fd);
	journal->fd = fd;
	journal->bytes = journal->whole_bytes = whole.bytes;
	return 0;
}

int journal_compact(struct journal *journal, struct containers *containers, bool force,
		    struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&journal->lock);
	if (force || journal->bytes > 2 * journal->whole_bytes + JOURNAL_SPARE_BYTES)
		r = journal_rewrite(journal, containers, err);
	pthread_mutex_unlock(&journal->lock);
	return r;
}

/* --- reading --- */

static bool journal_eat(struct slice *line, uint64_t *ret_value)
{
	return slice_eat_u64(line, ret_value) && (line->bytes == 0 || slice_eat(line, SLICE(" ")));
}

static struct journal_entry *journal_find(const struct journal_entries *entries, uint64_t slot)
{
	struct journal_entry *entry;

	list_each(&entries->all, entry, node)
		if (entry->origin.slot == slot)
			return entry;
	return NULL;
}

static void journal_entry_free(struct journal_entry *entry)
{
	free(entry->origin.id);
	text_done(&entry->cgroup);
	text_done(&entry->values);
	free(entry);
}

static int journal_read_add(struct journal_entries *entries, uint64_t slot, struct slice line)
{
	struct journal_entry *entry;
	uint64_t numbers[6];

	for (size_t n = 0; n < array_count(numbers); n++)
		if (!journal_eat(&line, &numbers[n]))
			return -EBADMSG;
	if (line.bytes == 0 || memchr(line.at, '\0', line.bytes) || slot == 0 || slot > UINT32_MAX)
		return -EBADMSG;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->origin = (struct container_origin){
		.slot = (uint32_t)slot,
		.id = strndup(line.at, line.bytes),
		.init_pid = (uint32_t)numbers[0],
		.start_ticks = numbers[1],
		.uid = (uint32_t)numbers[2],
		.gid = (uint32_t)numbers[3],
		.gid_count = (uint32_t)numbers[4],
	};
	entry->start_ns = numbers[5];
	list_append(&entries->all, &entry->node);
	if (slot >= entries->next_slot)
		entries->next_slot = (uint32_t)slot + 1;
	return entry->origin.id ? 0 : -ENOMEM;
}

static int journal_read_line(struct journal_entries *entries, struct slice line)
{
	struct journal_entry *entry;
	struct slice verb;
	uint64_t slot;

	if (!slice_cut(&line, ' ', &verb) || !journal_eat(&line, &slot))
		return -EBADMSG;
	if (slice_is(verb, "next")) {
		entries->next_slot = (uint32_t)slot;
		return 0;
	}
	if (slice_is(verb, "add"))
		return journal_read_add(entries, slot, line);
	entry = journal_find(entries, slot);
	if (!entry)
		return -EBADMSG;
	if (slice_is(verb, "gone")) {
		list_remove(&entry->node);
		journal_entry_free(entry);
	} else if (slice_is(verb, "cgroup") || slice_is(verb, "set")) {
		struct text *text = verb.at[0] == 'c' ? &entry->cgroup : &entry->values;

		text_put(text, line);
		text_putc(text, '\n');
	} else {
		return -EBADMSG;
	}
	return 0;
}

static int journal_revive(const struct journal_entry *entry, const struct limits_mounts *mounts,
			  struct containers *containers, struct error *err)
{
	struct slice values = text_slice(&entry->values), line, path;
	struct container *container = NULL;
	int r = container_again(&container, &entry->origin, mounts, text_slice(&entry->cgroup),
				entry->start_ns, err);

	if (r == -ESRCH)
		return 0; /* it ended while nobody was here */
	while (r == 0 && slice_next(&values, '\n', &line))
		if (slice_cut(&line, ' ', &path))
			r = container_set_value(container, path, line);
	if (r < 0) {
		container_unref(container);
		return error_errno(err, -r, "container '%s'", entry->origin.id);
	}
	return containers_add(containers, container, err);
}

int journal_parse(struct slice text, struct journal_entries *entries)
{
	struct slice line;
	int r = 0;

	*entries = (struct journal_entries){ .next_slot = 1 };
	list_init(&entries->all);
	/* What stands behind the last line end was not answered yet. */
	while (r != -ENOMEM && slice_cut(&text, '\n', &line))
		r = journal_read_line(entries, line);
	return r == -ENOMEM ? r : 0;
}

void journal_entries_done(struct journal_entries *entries)
{
	struct journal_entry *entry;

	list_drain(&entries->all, entry, node) journal_entry_free(entry);
}

static int journal_read(struct slice text, const struct limits_mounts *mounts,
			struct containers *containers, struct error *err)
{
	const struct journal_entry *entry;
	struct journal_entries entries;
	int r = journal_parse(text, &entries);

	if (r < 0)
		error_errno(err, -r, "read the journal");
	list_each(&entries.all, entry, node) {
		if (r == 0)
			r = journal_revive(entry, mounts, containers, err);
	}
	if (entries.next_slot > containers->next_slot)
		containers->next_slot = entries.next_slot;
	journal_entries_done(&entries);
	return r;
}

int journal_open(struct journal *journal, const char *path, const struct limits_mounts *mounts,
		 struct containers *containers, struct error *err)
{
	auto_text struct text text = { 0 };
	int r = file_read(path, JOURNAL_LIMIT_BYTES, &text, err);

	*journal = (struct journal){ .fd = -1, .path = strdup(path) };
	pthread_mutex_init(&journal->lock, NULL);
	if (r == -ENOENT)
		r = 0;
	if (r == 0 && !journal->path)
		r = error_errno(err, ENOMEM, "read '%s'", path);
	if (r == 0)
		r = journal_read(text_slice(&text), mounts, containers, err);
	if (r == 0)
		r = journal_compact(journal, containers, true, err);
	return r < 0 ? error_wrap(err, r, "read '%s'", path) : 0;
}

void journal_close(struct journal *journal)
{
	auto_close_fd(&journal->fd);
	free(journal->path);
	journal->path = NULL;
}
