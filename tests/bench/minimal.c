/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minimal OBJECT - opens, loads and attaches the programs of a file in libbpf's own way, and ends.
 */
#include <bpf/libbpf.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 2 ? bpf_object__open(argv[1]) : NULL;
	struct bpf_program *program;

	if (!object || bpf_object__load(object) < 0) {
		fputs("minimal: the programs could not be loaded\n", stderr);
		return 1;
	}
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return 1;
	return 0;
}
