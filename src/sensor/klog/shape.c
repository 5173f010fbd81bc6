/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/klog/shape.h"

#include <assert.h>

#include "base/auto.h"
#include "sensor/klog/pattern.h"

/* How far from the start a mark may stand: "traps: ", the name, and "[pid]" or " (pid):". */
#define SHAPE_PID_REACH	 34
#define SHAPE_NAME_REACH 28

static const struct shape *const shape_families[] = {
	trap_shapes, fatal_shapes, audit_shapes, notice_shapes, oom_shapes, report_shapes,
};

static uint32_t shape_key(const char *at)
{
	uint32_t key;

	memcpy(&key, at, sizeof(key));
	return key;
}

static size_t shape_hash(uint32_t key, enum shape_anchor anchor)
{
	return (key + anchor) * 0x9e3779b1u >> 21;
}

static void shape_index_add(struct shape_index *index, const struct shape *shape)
{
	struct slice words = slice_of(shape->words);
	const char *at = words.at;
	struct shape_entry *entry;
	uint8_t *link;

	assert(words.bytes >= 4 && index->count < SHAPE_COUNT);
	if (shape->anchor == ANCHOR_end)
		at += words.bytes - 4;
	entry = &index->entries[++index->count];
	*entry = (struct shape_entry){ .key = shape_key(at), .words = words, .shape = shape };
	/* Rows of one key are tried in the table's order. */
	link = &index->heads[shape_hash(entry->key, shape->anchor)];
	while (*link)
		link = &index->entries[*link].next;
	*link = index->count;
}

void shape_index_init(struct shape_index *index)
{
	memset(index, 0, sizeof(*index));
	for (size_t n = 0; n < array_count(shape_families); n++)
		for (const struct shape *shape = shape_families[n]; shape->words; shape++)
			shape_index_add(index, shape);
}

/* --- anchors --- */

/* At the ']' of "name[pid]": the last ']' that can be it. */
static bool shape_find_pid(struct line *line, struct slice *ret_at)
{
	struct slice head = slice_first(line->text, SHAPE_PID_REACH), digits;
	const char *at = memrchr(head.at, ']', head.bytes);
	size_t start;

	if (!at)
		return false;
	head.bytes = start = (size_t)(at - head.at);
	while (start && head.at[start - 1] >= '0' && head.at[start - 1] <= '9')
		start--;
	if (start == 0 || head.at[start - 1] != '[')
		return false;
	digits = slice_skip(head, start);
	line->name = slice_first(head, start - 1);
	*ret_at = slice_skip(line->text, head.bytes + 1);
	return slice_u64(digits, &line->pid);
}

static bool shape_find_name(struct line *line, struct slice *ret_at)
{
	struct slice head = slice_first(line->text, SHAPE_NAME_REACH);
	const char *at = memrchr(head.at, ':', head.bytes);

	if (!at)
		return false;
	line->name = slice_first(head, (size_t)(at - head.at));
	*ret_at = slice_skip(line->text, line->name.bytes);
	return true;
}

static bool shape_is_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static struct slice shape_find_end(const struct line *line)
{
	struct slice text = line->text;

	while (text.bytes && shape_is_number(text.at[text.bytes - 1]))
		text.bytes--;
	return text;
}

static bool shape_find(enum shape_anchor anchor, struct line *line, struct slice *ret_at)
{
	switch (anchor) {
	case ANCHOR_pid:
		return shape_find_pid(line, ret_at);
	case ANCHOR_name:
		return shape_find_name(line, ret_at);
	case ANCHOR_end:
		*ret_at = shape_find_end(line);
		return true;
	case ANCHOR_start:
		break;
	}
	*ret_at = line->text;
	return true;
}

static bool shape_fits(struct slice words, enum shape_anchor anchor, struct slice at,
		       struct line *line)
{
	if (anchor == ANCHOR_end) {
		line->rest = slice_first(at, at.bytes - words.bytes);
		return slice_ends(at, words);
	}
	line->rest = slice_skip(at, words.bytes);
	return slice_starts(at, words);
}

bool shape_locate(const struct shape *shape, struct line *line)
{
	struct slice at;

	return shape_find(shape->anchor, line, &at) &&
	       shape_fits(slice_of(shape->words), shape->anchor, at, line);
}

/* --- dispatch --- */

/* Asks the rows of one key; without `klog` their words suffice. */
static bool shape_ask(const struct shape_index *index, struct klog *klog, struct line *line,
		      enum shape_anchor anchor, struct slice at, uint32_t key)
{
	for (size_t n = index->heads[shape_hash(key, anchor)]; n; n = index->entries[n].next) {
		const struct shape_entry *entry = &index->entries[n];

		if (entry->key == key && entry->shape->anchor == anchor &&
		    shape_fits(entry->words, anchor, at, line) &&
		    (!klog || entry->shape->take(klog, entry->shape, line)))
			return true;
	}
	return false;
}

/* Inline, since it ends here for almost every line. */
static inline bool shape_try(const struct shape_index *index, struct klog *klog, struct line *line,
			     enum shape_anchor anchor, struct slice at)
{
	uint32_t key;

	if (at.bytes < sizeof(key))
		return false;
	key = shape_key(anchor == ANCHOR_end ? at.at + at.bytes - sizeof(key) : at.at);
	return index->heads[shape_hash(key, anchor)] &&
	       shape_ask(index, klog, line, anchor, at, key);
}

/*
 * Behind a name comes first, then the end: a process may call itself "BUG: x", but nobody who
 * chooses the start of a line chooses what stands there.
 */
bool shape_dispatch(const struct shape_index *index, struct klog *klog, struct line *line)
{
	struct slice at;

	if (line->text.bytes == 0)
		return false;
	return (shape_find_pid(line, &at) && shape_try(index, klog, line, ANCHOR_pid, at)) ||
	       shape_try(index, klog, line, ANCHOR_end, shape_find_end(line)) ||
	       shape_try(index, klog, line, ANCHOR_start, line->text) ||
	       (shape_find_name(line, &at) && shape_try(index, klog, line, ANCHOR_name, at));
}

bool shape_is_known(const struct shape_index *index, struct line line)
{
	return shape_dispatch(index, NULL, &line);
}
