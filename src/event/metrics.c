/* SPDX-License-Identifier: Apache-2.0 */
#include "event/metrics.h"

#define METRIC_TYPE_counter false
#define METRIC_TYPE_gauge   true

const struct metric_kind metric_kinds[METRIC_COUNT] = {
#define X(id, name, type, label, help) [METRIC_##id] = { name, help, label, METRIC_TYPE_##type },
	METRICS(X)
#undef X
};
