/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/settings.h"

#include <errno.h>

const char *const detect_mode_names[] = { "off", "passthrough", "detected", NULL };
const char *const detect_justification_names[] = { "none", "summary", "full", NULL };

void detect_settings_init(struct detect_settings *settings)
{
	*settings = (struct detect_settings){ .mode = DETECT_MODE_passthrough,
					      .justification = DETECT_JUSTIFY_summary,
#define X(member, key, number, unit, ...) .member = number * DETECT_UNIT_##unit,
					      DETECT_DURATIONS(X)
#undef X
#define X(member, key, number, ...) .member = number,
						      DETECT_COUNTS(X)
#undef X
	};
}

int detect_settings_check(const struct detect_settings *settings, const char **ret_key,
			  struct error *err)
{
	*ret_key = "analytics.event_drop_count";
	if (settings->event_drop_count > settings->max_event_count)
		return error_say(err, EINVAL,
				 "analytics.event_drop_count is %llu, more than the %llu of "
				 "analytics.max_event_count: lower it or raise the other",
				 (unsigned long long)settings->event_drop_count,
				 (unsigned long long)settings->max_event_count);
	*ret_key = "analytics.canary_window";
	if (settings->canary_window_ns > settings->window_ns)
		return error_say(err, EINVAL,
				 "analytics.canary_window is longer than analytics.window: "
				 "shorten it or lengthen the other");
	return 0;
}
