/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/statsd_series.h"

struct statsd_series {
	struct list node;
	struct slice key;
	double number;
	char bytes[];
};

static struct slice statsd_series_key(const void *item)
{
	return ((const struct statsd_series *)item)->key;
}

void statsd_series_init(struct statsd_series_table *table, size_t limit)
{
	*table = (struct statsd_series_table){ .limit = limit };
	map_init(&table->all, statsd_series_key);
	list_init(&table->used);
}

void statsd_series_done(struct statsd_series_table *table)
{
	struct statsd_series *series;

	if (!table->limit)
		return;
	list_drain(&table->used, series, node) free(series);
	map_done(&table->all);
	text_done(&table->key);
}

/* No control character is in a line, so none of its texts can look like two. */
static void statsd_series_make_key(struct text *key, const struct statsd_line *line)
{
	text_clear(key);
	text_putc(key, line->type == STATSD_gauge ? 'g' : 'c');
	text_put(key, line->name);
	for (size_t n = 0; n < line->tag_count; n++) {
		text_putc(key, '\n');
		text_put(key, line->tags[n].name);
		text_putc(key, '\t');
		text_put(key, line->tags[n].text);
	}
}

static void statsd_series_evict(struct statsd_series_table *table)
{
	struct statsd_series *oldest = list_first(&table->used, struct statsd_series, node);

	list_remove(&oldest->node);
	map_take(&table->all, oldest->key);
	free(oldest);
	table->evicted++;
}

static struct statsd_series *statsd_series_add(struct statsd_series_table *table)
{
	struct slice key = text_slice(&table->key);
	struct statsd_series *series = calloc(1, sizeof(*series) + key.bytes);

	if (!series)
		return NULL;
	memcpy(series->bytes, key.at, key.bytes);
	series->key = (struct slice){ series->bytes, key.bytes };
	list_init(&series->node);
	if (table->all.count >= table->limit)
		statsd_series_evict(table);
	if (map_put(&table->all, series, NULL) < 0) {
		free(series);
		return NULL;
	}
	return series;
}

double *statsd_series_find(struct statsd_series_table *table, const struct statsd_line *line)
{
	struct statsd_series *series;

	statsd_series_make_key(&table->key, line);
	if (table->key.failed)
		return NULL;
	series = map_get(&table->all, text_slice(&table->key));
	if (!series)
		series = statsd_series_add(table);
	if (!series)
		return NULL;
	list_unlink(&series->node);
	list_append(&table->used, &series->node);
	return &series->number;
}
