/* SPDX-License-Identifier: Apache-2.0 */
/* minimal - opens, loads and attaches two programs in libbpf's own way, and ends. */
#include <bpf/libbpf.h>
#include <stdio.h>

#include "minimal.skel.h"

int main(void)
{
	struct minimal_bpf *bpf = minimal_bpf__open_and_load();

	if (!bpf || minimal_bpf__attach(bpf) < 0) {
		fputs("minimal: the programs could not be loaded\n", stderr);
		return 1;
	}
	minimal_bpf__destroy(bpf);
	return 0;
}
