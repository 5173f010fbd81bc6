/* SPDX-License-Identifier: Apache-2.0 */
#include "event/encode.h"
void event_put_json_v1(const struct event *e, const struct event_origin *o, struct text *out)
{
	event_put_json(e, o, out);
}
bool event_has_json_v1(enum event_kind kind)
{
	(void)kind;
	return false;
}
