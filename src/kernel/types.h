/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types - the kernel's own types (BTF), as far as a BPF object relies on them.
 *
 * To place programs into this kernel libbpf reads all of the kernel's types, some megabytes, and
 * searches them anew for each struct that a program names: tens of milliseconds for each object.
 * Here they are walked once for an object, and what it names is copied into a type table of a few
 * kilobytes that libbpf takes instead (docs/decisions/0015).
 *
 * Format: Documentation/bpf/btf.rst.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdint.h>

#include "base/error.h"

struct btf;
struct types;

#define TYPES_PATH "/sys/kernel/btf"

/* Maps the kernel's types, or reads them where they can't be mapped (before 6.16). `path` is where
 * they lie, TYPES_PATH but in tests. -ENOENT: this kernel tells none; -ENOTSUP: it has kinds of
 * types that are not known here. */
must_check int types_open(struct types **ret_types, const char *path, struct error *err);
/* NULL is fine. */
void types_free(struct types *types);

/* The structs, unions, enums and typedefs that `local`, an object's own types, shares names with,
 * with the members whose names it uses. The result is the caller's: btf__free(). */
must_check int types_pick(const struct types *types, const struct btf *local,
			  struct btf **ret_picked, struct error *err);

/* The id of the type of a tracepoint's arguments, as loading a tp_btf program takes it; 0: there is
 * no such tracepoint. */
uint32_t types_tracepoint(const struct types *types, const char *name);
/* The same of a function (fentry, fexit) and of a kind of iterator. */
uint32_t types_function(const struct types *types, const char *name);
uint32_t types_iterator(const struct types *types, const char *name);

#endif
