/* SPDX-License-Identifier: Apache-2.0 */
/* nats_none - in place of nats.c where its client library isn't there. */
#include "sink/sink.h"

#include <errno.h>

static bool nats_wanted(const struct sink_settings *settings)
{
	return settings->nats.url != NULL;
}

static int nats_open(struct sink *sink, struct error *err)
{
	(void)sink;
	return error_say(err, ENOSYS,
			 "this program was built without NATS: install libnats-dev and build anew");
}

static void nats_put(struct sink *sink, const struct event *event)
{
	(void)event;
	sink->lost.value++;
}

static void nats_close(struct sink *sink)
{
	(void)sink;
}

const struct sink_kind sink_nats = {
	.name = "nats",
	.help = "events into a stream of NATS JetStream",
	.state_bytes = 1,
	.wanted = nats_wanted,
	.open = nats_open,
	.put = nats_put,
	.close = nats_close,
};
