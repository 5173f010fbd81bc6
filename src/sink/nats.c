/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nats - events into a stream of NATS JetStream.
 *
 * An event counts as delivered when the stream has acknowledged it. Each has a message id that
 * stays the same however often it is sent, by which the stream drops what it has already.
 *
 * The client library knows connecting, TLS and keys only as calls that block: a worker makes them,
 * one batch at a time. It has no say over the loop and touches nothing of the sink but `batch`.
 */
#include "sink/courier.h"
#include "sink/nats_message.h"

#include <errno.h>
#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/worker.h"
#include "event/encode.h"

#define NATS_BATCH_COUNT 1000
#define NATS_BATCH_BYTES (1u << 20)
#define NATS_SERVERS	 16
#define NATS_CONNECT_MS	 2000
#define NATS_ACK_MS	 5000 /* without any answer */
#define NATS_STEP_MS	 250  /* how soon it sees that it is to stop */

/* The worker's. */
struct nats_batch {
	const struct spool_item *items;
	size_t count;
	uint64_t number;	     /* answers to earlier ones don't count */
	unsigned char *acknowledged; /* for each item */
	size_t first_count;	     /* those from the first on that are acknowledged */
	enum courier_verdict verdict;
	struct error why;
	natsConnection *connection;
	natsSubscription *answers;
	char inbox[80];
	atomic_bool stop; /* the loop's word: give up */
};

struct nats {
	struct courier courier;
	event_encoder *encode;
	struct worker *worker;
	struct worker_job job;
	struct nats_batch batch;
	const struct sink_settings *settings;
	char name[64];
	uint64_t put_count; /* of this run, for message ids */
	struct text payload;
};

static bool nats_wanted(const struct sink_settings *settings)
{
	return settings->nats.url != NULL;
}

/* --- on the worker: the connection --- */

static void nats_fail(struct nats_batch *batch, enum courier_verdict verdict, const char *what,
		      natsStatus status)
{
	batch->verdict = verdict;
	error_say(&batch->why, EIO, "%s: %s", what, natsStatus_GetText(status));
}

static void nats_disconnect(struct nats_batch *batch)
{
	natsSubscription_Destroy(take_ptr(batch->answers));
	natsConnection_Destroy(take_ptr(batch->connection));
}

static natsStatus nats_set_servers(natsOptions *options, const char *urls)
{
	auto_free char *copy = strdup(urls);
	const char *servers[NATS_SERVERS];
	char *rest = copy, *url;
	int count = 0;

	while (copy && count < NATS_SERVERS && (url = strsep(&rest, ", ")))
		if (*url)
			servers[count++] = url;
	return natsOptions_SetServers(options, servers, count);
}

static natsStatus nats_set_tls(natsOptions *options, const struct tls_settings *tls)
{
	natsStatus s = NATS_OK;

	if (tls->ca_file)
		s = natsOptions_LoadCATrustedCertificates(options, tls->ca_file);
	if (s == NATS_OK && tls->cert_file)
		s = natsOptions_LoadCertificatesChain(options, tls->cert_file, tls->key_file);
	if (s == NATS_OK && (tls->ca_file || tls->cert_file))
		s = natsOptions_SetSecure(options, true);
	return s;
}

static natsStatus nats_set_options(natsOptions *options, const struct nats *nats)
{
	const struct sink_settings *settings = nats->settings;
	natsStatus s = nats_set_servers(options, settings->nats.url);

	if (s == NATS_OK)
		s = natsOptions_SetTimeout(options, NATS_CONNECT_MS);
	if (s == NATS_OK)
		s = natsOptions_SetName(options, nats->name);
	if (s == NATS_OK) /* the courier comes again by itself */
		s = natsOptions_SetAllowReconnect(options, false);
	if (s == NATS_OK)
		s = natsOptions_SetWriteDeadline(options, NATS_ACK_MS);
	if (s == NATS_OK && settings->nats.user)
		s = natsOptions_SetUserInfo(options, settings->nats.user, settings->nats.password);
	if (s == NATS_OK && settings->nats.token)
		s = natsOptions_SetToken(options, settings->nats.token);
	if (s == NATS_OK && settings->nats.credentials_file)
		s = natsOptions_SetUserCredentialsFromFiles(options,
							    settings->nats.credentials_file, NULL);
	return s == NATS_OK ? nats_set_tls(options, &settings->nats.tls) : s;
}

static natsStatus nats_subscribe(struct nats_batch *batch)
{
	char subject[sizeof(batch->inbox) + 2];
	natsInbox *inbox = NULL;
	natsStatus s = natsInbox_Create(&inbox);

	if (s != NATS_OK)
		return s;
	snprintf(batch->inbox, sizeof(batch->inbox), "%s", inbox);
	natsInbox_Destroy(inbox);
	snprintf(subject, sizeof(subject), "%s.>", batch->inbox);
	return natsConnection_SubscribeSync(&batch->answers, batch->connection, subject);
}

static bool nats_connect(struct nats *nats)
{
	struct nats_batch *batch = &nats->batch;
	natsOptions *options = NULL;
	natsStatus s;

	if (batch->connection &&
	    natsConnection_Status(batch->connection) == NATS_CONN_STATUS_CONNECTED)
		return true;
	nats_disconnect(batch);
	s = natsOptions_Create(&options);
	if (s == NATS_OK)
		s = nats_set_options(options, nats);
	if (s == NATS_OK)
		s = natsConnection_Connect(&batch->connection, options);
	if (s == NATS_OK)
		s = nats_subscribe(batch);
	natsOptions_Destroy(options);
	if (s == NATS_OK)
		return true;
	nats_fail(batch,
		  s == NATS_CONNECTION_AUTH_FAILED || s == NATS_NOT_PERMITTED ? COURIER_denied
									      : COURIER_failed,
		  "connect to 'nats.url'", s);
	nats_disconnect(batch);
	return false;
}

/* --- on the worker: one batch --- */

/* "id LF subject LF words" */
static bool nats_cut_item(const struct spool_item *item, struct text *id, struct text *subject,
			  struct slice *words)
{
	struct slice head;

	text_clear(id);
	text_clear(subject);
	*words = item->payload;
	if (!slice_cut(words, '\n', &head))
		return false;
	text_put(id, head);
	if (!slice_cut(words, '\n', &head))
		return false;
	text_put(subject, head);
	return true;
}

static natsStatus nats_publish(const struct nats_batch *batch, size_t at)
{
	auto_text struct text id = { 0 };
	auto_text struct text subject = { 0 };
	char reply[sizeof(batch->inbox) + 48];
	natsMsg *message = NULL;
	struct slice words;
	natsStatus s;

	if (!nats_cut_item(&batch->items[at], &id, &subject, &words))
		return NATS_INVALID_ARG;
	snprintf(reply, sizeof(reply), "%s.%llu.%zu", batch->inbox,
		 (unsigned long long)batch->number, at);
	s = natsMsg_Create(&message, text_str(&subject), reply, words.at, (int)words.bytes);
	if (s == NATS_OK)
		s = natsMsgHeader_Set(message, "Nats-Msg-Id", text_str(&id));
	if (s == NATS_OK)
		s = natsConnection_PublishMsg(batch->connection, message);
	natsMsg_Destroy(message);
	return s;
}

/* Which item an answer is for, or -1: one that came late, for an earlier batch. */
static ssize_t nats_item_of(const struct nats_batch *batch, const natsMsg *answer)
{
	struct slice rest = slice_of(natsMsg_GetSubject(answer)), words;
	uint64_t number, at;

	if (!slice_eat(&rest, slice_of(batch->inbox)) ||
	    !slice_eat(&rest, SLICE(".")) || !slice_cut(&rest, '.', &words) ||
		       !slice_u64(words, &number) || number != batch->number ||
		       !slice_u64(rest, &at) || at >= batch->count)
		return -1;
	return (ssize_t)at;
}

static void nats_take_answer(struct nats_batch *batch, natsMsg *answer)
{
	struct slice json = { natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer) };
	ssize_t at = nats_item_of(batch, answer);
	enum courier_verdict verdict;

	if (at < 0)
		return;
	verdict = nats_read_ack(json, &batch->why);
	if (verdict == COURIER_delivered)
		batch->acknowledged[at] = 1;
	else
		batch->verdict = verdict;
}

/* The next answer, waited for in steps. */
static natsStatus nats_next(struct nats_batch *batch, natsMsg **ret_answer)
{
	natsStatus s = NATS_TIMEOUT;

	for (int waited_ms = 0; s == NATS_TIMEOUT && waited_ms < NATS_ACK_MS && !batch->stop;
	     waited_ms += NATS_STEP_MS)
		s = natsSubscription_NextMsg(ret_answer, batch->answers, NATS_STEP_MS);
	return s;
}

/* Reads as many answers as there are messages. */
static void nats_collect(struct nats_batch *batch, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		natsMsg *answer = NULL;
		natsStatus s = nats_next(batch, &answer);

		if (s == NATS_NO_RESPONDERS) {
			batch->verdict = COURIER_failed;
			error_say(&batch->why, EPROTO,
				  "no stream takes the subject: add one, or see 'nats.subject'");
			continue;
		}
		if (s != NATS_OK) {
			nats_fail(batch, COURIER_failed, "wait for the stream's answer", s);
			nats_disconnect(batch);
			return;
		}
		nats_take_answer(batch, answer);
		natsMsg_Destroy(answer);
	}
}

static void nats_send(struct nats_batch *batch)
{
	size_t at = 0;
	natsStatus s = NATS_OK;

	batch->acknowledged = calloc(batch->count, 1);
	if (!batch->acknowledged) {
		nats_fail(batch, COURIER_failed, "send", NATS_NO_MEMORY);
		return;
	}
	while (at < batch->count && (s = nats_publish(batch, at)) == NATS_OK)
		at++;
	batch->verdict = COURIER_delivered;
	nats_collect(batch, at);
	if (s != NATS_OK && batch->verdict == COURIER_delivered)
		nats_fail(batch,
			  s == NATS_MAX_PAYLOAD || s == NATS_INVALID_ARG ? COURIER_refused
									 : COURIER_failed,
			  "send", s);
	while (batch->first_count < batch->count && batch->acknowledged[batch->first_count])
		batch->first_count++;
	if (batch->verdict == COURIER_delivered && batch->first_count < batch->count)
		nats_fail(batch, COURIER_failed, "wait for the stream's answer", NATS_TIMEOUT);
	free(take_ptr(batch->acknowledged));
}

static void nats_work(struct worker_job *job)
{
	struct nats *nats = container_of(job, struct nats, job);

	if (nats_connect(nats))
		nats_send(&nats->batch);
}

/* --- on the loop --- */

static void nats_on_done(struct worker_job *job)
{
	struct nats *nats = container_of(job, struct nats, job);
	struct nats_batch *batch = &nats->batch;
	struct error why = batch->why;

	if (batch->verdict != COURIER_delivered && batch->first_count)
		courier_delivered(&nats->courier, batch->first_count);
	/* What the stream refuses stands first now, alone or with others. */
	courier_tell(&nats->courier, batch->verdict, 0, &why);
}

static void nats_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct nats *nats = container_of(courier, struct nats, courier);
	struct nats_batch *batch = &nats->batch;

	batch->items = items;
	batch->count = count;
	batch->first_count = 0;
	batch->number++;
	worker_start(nats->worker, &nats->job);
}

static int nats_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct nats *nats = sink->state;
	struct http_tls tls;
	int r = nats_check_subject(slice_of(settings->nats.subject), err);

	if (r == 0)
		r = sink_set_tls(&settings->nats.tls, &tls, err);
	if (r == 0)
		r = worker_new(&nats->worker, sink->env->loop, err);
	if (r < 0)
		return r;
	nats->settings = settings;
	nats->encode = event_encoder_of((enum event_format)settings->nats.format);
	nats->job.work = nats_work;
	nats->job.done = nats_on_done;
	snprintf(nats->name, sizeof(nats->name), "%.30s %.30s", sink->env->origin->program,
		 sink->env->origin->host);
	sink->measures = settings->nats.format == FORMAT_measurement;
	nats->courier.flush_count = settings->nats.flush_count;
	nats->courier.flush_ns = settings->nats.flush_ns;
	nats->courier.batch_count = NATS_BATCH_COUNT;
	nats->courier.batch_bytes = NATS_BATCH_BYTES;
	nats->courier.deliver = nats_deliver;
	return courier_open(&nats->courier, sink, err);
}

static void nats_put(struct sink *sink, const struct event *event)
{
	const struct event_origin *origin = sink->env->origin;
	struct nats *nats = sink->state;
	struct text *payload = &nats->payload;

	text_clear(payload);
	/* Not the event's own id: several measurements of one event share that. */
	text_printf(payload, "%s-%s-%llu\n", origin->run_id, sink->name,
		    (unsigned long long)++nats->put_count);
	nats_put_subject(slice_of(nats->settings->nats.subject), event, origin, payload);
	text_putc(payload, '\n');
	nats->encode(event, origin, payload);
	if (payload->failed)
		sink->lost.value++;
	else
		courier_put(&nats->courier, text_slice(payload));
}

static void nats_flush(struct sink *sink)
{
	courier_flush(&((struct nats *)sink->state)->courier);
}

static bool nats_busy(const struct sink *sink)
{
	return courier_busy(&((const struct nats *)sink->state)->courier);
}

static void nats_close(struct sink *sink)
{
	struct nats *nats = sink->state;

	nats->batch.stop = true;
	worker_free(nats->worker); /* it reads the courier's items */
	courier_close(&nats->courier);
	nats_disconnect(&nats->batch);
	text_done(&nats->payload);
}

const struct sink_kind sink_nats = {
	.name = "nats",
	.help = "events into a stream of NATS JetStream",
	.state_bytes = sizeof(struct nats),
	.wanted = nats_wanted,
	.open = nats_open,
	.put = nats_put,
	.flush = nats_flush,
	.busy = nats_busy,
	.close = nats_close,
};
