/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-container-answer - any bytes as what an engine, its files or its monitor say. */
#include <assert.h>

#include "identity/container_facts.h"
#include "identity/container_monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice text = { (const char *)data, bytes };
	struct container container = { .id = "a" };
	struct container_monitor monitor;

	container_parse_docker(&container, text);
	container_parse_bundle(&container, text);
	container_parse_storage(&container, text);
	assert(container.label_count <= CONTAINER_LABELS);
	assert(container.label_bytes <= CONTAINER_LABEL_BYTES);
	container_clear(&container);
	if (container_parse_monitor(SLICE("conmon"), text, SLICE("a"), &monitor))
		assert(monitor.bundle[0] == '\0' || monitor.bundle[0] == '/');
	container_parse_monitor(SLICE("containerd-shim"), text, SLICE("a"), &monitor);
	return 0;
}
