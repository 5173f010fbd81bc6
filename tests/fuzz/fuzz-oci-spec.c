/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-oci-spec - any bytes as a config.json, and as what becomes of it. */
#include <assert.h>

#include "sysvisor/runc/dns.h"
#include "sysvisor/runc/filter.h"
#include "sysvisor/runc/plan.h"
#include "sysvisor/runc/rootfs.h"
#include "sysvisor/runc/scope.h"
#include "sysvisor/runc/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_plan(struct spec *spec)
{
	const struct runtime runtime = { .no_manager = true, .no_filesystem = true };
	struct services services = { .runtime = &runtime };
	const struct spec_namespace *namespace_;
	struct error err;
	struct plan plan;

	/* Paths are opened: not with bytes that came from nowhere. */
	spec_each(&spec->linux_.namespaces, namespace_)
		if (namespace_->path)
			return;
	if (plan_make(&services, spec, "c", "/nowhere", &plan, &err) == 0)
		assert(plan.host_uid != 0 || plan.is_plain);
	plan_done(&plan);
}

static void fuzz_systemd(struct spec *spec)
{
	struct properties list = { .arena = &spec->arena };
	struct scope scope = { 0 };
	struct error err = { 0 };

	for (int v2 = 0; v2 < 2; v2++)
		if (properties_of_resources(&list, &spec->linux_.resources, v2, &err) < 0)
			assert(err.text[0]);
	if (properties_of_annotations(&list, &spec->annotations, &err) < 0)
		assert(err.text[0]);
	assert(!list.at[list.count]);
	if (scope_place(spec->linux_.cgroups_path, "c", &spec->arena, &scope, &err) == 0)
		assert(!strchr(scope.unit, '/') && !strchr(scope.slice, '/'));
}

/* Of engines and of the kernel, but read in the host's name. */
static void fuzz_names(struct slice bytes)
{
	auto_text struct text out = { 0 };

	if (dns_rewrite(bytes, &out))
		assert(slice_find(text_slice(&out), SLICE(DNS_ALIAS)) >= 0);
	(void)dns_port(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice text = { (const char *)data, bytes };
	struct overlay_layers layers;
	struct filter filter;
	struct error err = { 0 };
	struct spec spec;

	if (spec_parse(text, "config.json", &spec, &err) == 0) {
		fuzz_plan(&spec);
		fuzz_systemd(&spec);
		if (filter_compile(&spec.linux_.seccomp, false, &filter, &err) == 0)
			filter_done(&filter);
	} else {
		assert(err.text[0]);
	}
	spec_done(&spec);
	if (spec_parse_process(text, "process.json", &spec, &err) == 0)
		assert(spec.process.args.count > 0 && spec.process.cwd[0] == '/');
	spec_done(&spec);
	if (spec_parse_resources(text, "resources", &spec, &err) < 0)
		assert(err.text[0]);
	else
		fuzz_systemd(&spec);
	if (rootfs_parse_overlay(text, &spec.arena, &layers, &err) < 0)
		assert(err.text[0]);
	spec_done(&spec);
	fuzz_names(text);
	return 0;
}
