/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/hooks.h"

#include "sysvisor/runc/helper.h"

static int hooks_run_one(const struct spec_hook *hook, struct slice state, struct error *err)
{
	auto_text struct text what = { 0 }, said = { 0 };
	struct helper helper = { .path = hook->path, .timeout_s = hook->timeout.value };

	text_printf(&what, "hook '%.100s'", hook->path);
	helper.what = text_str(&what);
	helper.args = hook->args.count ? hook->args.at : NULL;
	helper.env = hook->env.count ? hook->env.at : NULL;
	return helper_run(&helper, state, &said, err);
}

int hooks_run(const char *kind, const struct spec_list *hooks, const struct state *state,
	      enum state_status status, struct error *err)
{
	auto_text struct text words = { 0 };
	const struct spec_hook *hook;

	if (hooks->count == 0)
		return 0;
	state_print(state, status, &words);
	spec_each(hooks, hook) {
		int r = hooks_run_one(hook, text_slice(&words), err);

		if (r < 0)
			return error_wrap(err, r, "%s", kind);
	}
	return 0;
}
