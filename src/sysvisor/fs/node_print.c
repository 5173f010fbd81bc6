/* SPDX-License-Identifier: Apache-2.0 */
/* node_print - the table of emulated files for people. */
#include "sysvisor/fs/node.h"

static const char *const node_shows[] = {
	[NODE_view] = "the container's own numbers",
	[NODE_store] = "a value for each container, at first the host's",
	[NODE_host] = "the host's",
	[NODE_name] = "the namespace's",
	[NODE_groups] = "the namespace's, as the container counts its groups",
	[NODE_empty] = "an empty directory",
	[NODE_tree] = "the host's and all below, without processors of others",
};

static void node_put_check(const struct node_row *row, struct text *out)
{
	struct slice rest = slice_of(row->words), word;
	bool comma = false;

	switch (row->check) {
	case CHECK_number:
		text_printf(out, "%lld to %lld", (long long)row->min, (long long)row->max);
		break;
	case CHECK_numbers:
		text_printf(out, "up to %lld numbers", (long long)row->max);
		break;
	case CHECK_word:
		while (slice_next(&rest, ' ', &word)) {
			text_printf(out, "%s%.*s", comma ? ", " : "", SLICE_ARG(word));
			comma = true;
		}
		break;
	case CHECK_none:
		text_put(out, row->kind == NODE_name || row->kind == NODE_groups
			 ? SLICE("as the kernel takes it")
			 : SLICE("no"));
		break;
	}
}

void node_print(struct text *out)
{
	text_put(out, SLICE("# Files of /proc and /sys in a system container\n\n"
			    "What isn't here is, below `/proc/sys`, the kernel's own key in the "
			    "container's namespaces: it may be written\nwhen it is theirs. *Newer "
			    "kernels*: where the kernel has the key in the namespace, it is that "
			    "one. *push-max*: with the\nsetting of that name a larger value raises "
			    "the host's, too.\n\n"
			    "| file | mode | shows | may be written | |\n"
			    "| --- | --- | --- | --- | --- |\n"));
	for (size_t n = 0; n < node_count; n++) {
		const struct node_row *row = &node_rows[n];

		text_printf(out, "| `/%s` | %04o | %s | ", row->path, row->mode,
			    node_shows[row->kind]);
		node_put_check(row, out);
		text_printf(out, " | %s%s%s |\n", row->inside_first ? "newer kernels" : "",
			    row->inside_first && row->push ? ", " : "",
			    row->push ? "push-max" : "");
	}
}
