/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-oci-spec - any bytes as a config.json, and as what becomes of it. */
#include <assert.h>

#include "sysvisor/runc/filter.h"
#include "sysvisor/runc/plan.h"
#include "sysvisor/runc/rootfs.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice text = { (const char *)data, bytes };
	struct overlay_layers layers;
	struct filter filter;
	struct error err = { 0 };
	struct spec spec;

	if (spec_parse(text, "config.json", &spec, &err) == 0) {
		fuzz_plan(&spec);
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
	if (rootfs_parse_overlay(text, &spec.arena, &layers, &err) < 0)
		assert(err.text[0]);
	spec_done(&spec);
	return 0;
}
