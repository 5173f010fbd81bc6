/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit - records of the audit system, which the kernel prints where no auditd takes them.
 *
 *	audit: type=1326 audit(1795320578.568:2): auid=4294967295 ... comm="x" ... code=0x0
 *
 * (kernel/audit.c; kernels up to 3.13 leave "audit: " out.) Texts that a user could choose stand
 * in quotes, or in hexadecimal when they hold blanks, quotes or control bytes.
 */
#include "base/clock.h"
#include "sensor/klog/inside.h"

#define AUDIT_UNSET 4294967295u /* auid and ses of what no login started */

/* --- pairs --- */

struct audit_pair {
	struct slice key, value;
	bool quoted;
};

/* The next key=value; words without '=' are stepped over. */
static bool audit_next(struct slice *rest, struct audit_pair *pair)
{
	struct slice word;

	while (rest->bytes) {
		struct slice at = *rest;

		if (!slice_next(rest, ' ', &word))
			return false;
		if (!slice_cut(&word, '=', &pair->key) || pair->key.bytes == 0)
			continue;
		pair->value = word;
		pair->quoted = word.bytes && word.at[0] == '"';
		if (!pair->quoted)
			return true;
		*rest = slice_skip(at, pair->key.bytes + 2);
		if (!slice_cut(rest, '"', &pair->value)) {
			pair->value = *rest; /* cut off */
			*rest = slice_skip(*rest, rest->bytes);
		}
		return true;
	}
	return false;
}

static void audit_find(struct slice rest, const char *key, struct audit_pair *pair)
{
	while (audit_next(&rest, pair))
		if (slice_is(pair->key, key))
			return;
	*pair = (struct audit_pair){ .value = { "", 0 } };
}

/* Two digits a byte; false when it is something else. */
static bool audit_decode(struct slice value, char *room)
{
	for (size_t n = 0; n < value.bytes / 2; n++) {
		uint64_t byte;

		if (!slice_hex(slice_first(slice_skip(value, 2 * n), 2), &byte))
			return false;
		room[n] = (char)byte;
	}
	return value.bytes % 2 == 0;
}

/* A text that a user chose. */
static void audit_put_untrusted(struct event *event, enum event_field field,
				const struct audit_pair *pair)
{
	char *room;

	if (pair->quoted || event_has(event, field)) {
		klog_put_text(event, field, pair->value);
		return;
	}
	room = event_room(event, pair->value.bytes / 2 + 1);
	if (room && pair->value.bytes && audit_decode(pair->value, room))
		klog_put_text(event, field, (struct slice){ room, pair->value.bytes / 2 });
	else if (!slice_is(pair->value, "(null)") && !slice_is(pair->value, "?"))
		klog_put_text(event, field, pair->value);
}

/* --- keys --- */

enum audit_type { AUDIT_plain, AUDIT_untrusted, AUDIT_decimal, AUDIT_hex, AUDIT_id, AUDIT_signal };

/* Where two keys go to one field, the first in the record wins. */
static const struct audit_key {
	const char *key;
	enum audit_type type;
	enum event_field field;
} audit_keys[] = {
	{ "pid", AUDIT_decimal, FIELD_pid },
	{ "comm", AUDIT_untrusted, FIELD_comm },
	{ "exe", AUDIT_untrusted, FIELD_exe },
	{ "auid", AUDIT_id, FIELD_audit_login_uid },
	{ "ses", AUDIT_id, FIELD_audit_session },
	{ "sig", AUDIT_signal, FIELD_signal },
	{ "arch", AUDIT_hex, FIELD_syscall_arch },
	{ "syscall", AUDIT_decimal, FIELD_syscall_number },
	{ "ip", AUDIT_hex, FIELD_fault_ip },
	{ "code", AUDIT_hex, FIELD_fault_code },
	{ "operation", AUDIT_plain, FIELD_lsm_operation }, /* AppArmor */
	{ "profile", AUDIT_untrusted, FIELD_lsm_subject },
	{ "name", AUDIT_untrusted, FIELD_lsm_object },
	{ "target", AUDIT_untrusted, FIELD_lsm_object },
	{ "peer", AUDIT_untrusted, FIELD_lsm_object },
	{ "denied_mask", AUDIT_plain, FIELD_lsm_denied },
	{ "capname", AUDIT_plain, FIELD_lsm_denied },
	{ "class", AUDIT_plain, FIELD_lsm_class },
	{ "scontext", AUDIT_plain, FIELD_lsm_subject }, /* SELinux */
	{ "tcontext", AUDIT_plain, FIELD_lsm_target },
	{ "tclass", AUDIT_plain, FIELD_lsm_class },
	{ "path", AUDIT_untrusted, FIELD_lsm_object },
	{ "permissive", AUDIT_decimal, FIELD_lsm_permissive },
	{ "domain", AUDIT_plain, FIELD_lsm_subject }, /* Landlock */
	{ "blockers", AUDIT_plain, FIELD_lsm_denied },
	{ "ocomm", AUDIT_untrusted, FIELD_lsm_object },
	{ "fn", AUDIT_plain, FIELD_lsm_operation }, /* Smack */
	{ "subject", AUDIT_untrusted, FIELD_lsm_subject },
	{ "object", AUDIT_untrusted, FIELD_lsm_target },
	{ "requested", AUDIT_plain, FIELD_lsm_denied },
};

static void audit_put(struct event *event, const struct audit_key *row,
		      const struct audit_pair *pair)
{
	uint64_t number = 0;
	bool hex = row->type == AUDIT_hex;

	if (row->type == AUDIT_untrusted) {
		audit_put_untrusted(event, row->field, pair);
	} else if (row->type == AUDIT_plain) {
		klog_put_text(event, row->field, pair->value);
	} else if (hex ? slice_hex(pair->value, &number) : slice_u64(pair->value, &number)) {
		if (row->type == AUDIT_signal)
			klog_put_signal(event, number);
		else if (row->type != AUDIT_id || number != AUDIT_UNSET)
			klog_put_number(event, row->field, number);
	}
}

static void audit_put_pairs(struct event *event, struct slice rest)
{
	struct audit_pair pair;

	while (audit_next(&rest, &pair))
		for (size_t n = 0; n < array_count(audit_keys); n++)
			if (slice_is(pair.key, audit_keys[n].key))
				audit_put(event, &audit_keys[n], &pair);
}

/* --- security modules --- */

/* "avc:  denied  { read write } for  pid=1 ..." */
static bool audit_put_selinux(struct event *event, struct slice body)
{
	struct match match;

	if (!pattern_match("avc:  denied  {{ {d*} } for ", body, &match))
		return false;
	klog_put_text(event, FIELD_lsm, SLICE("selinux"));
	klog_put_text(event, FIELD_lsm_denied, match_text(&match, 'd'));
	return true;
}

static bool audit_put_apparmor(struct event *event, struct slice body)
{
	struct audit_pair pair;

	audit_find(body, "apparmor", &pair);
	/* The other words tell of policies loaded and of what was allowed with a note. */
	if (!slice_is(pair.value, "DENIED") && !slice_is(pair.value, "ALLOWED"))
		return false;
	klog_put_text(event, FIELD_lsm, SLICE("apparmor"));
	klog_put_number(event, FIELD_lsm_permissive, slice_is(pair.value, "ALLOWED"));
	return true;
}

static bool audit_put_smack(struct event *event, struct slice body)
{
	struct audit_pair pair;

	audit_find(body, "action", &pair);
	klog_put_text(event, FIELD_lsm, SLICE("smack"));
	return slice_is(pair.value, "denied");
}

static bool audit_put_denial(struct event *event, struct slice body)
{
	static const struct {
		const char *start;
		bool (*put)(struct event *event, struct slice body);
	} modules[] = {
		{ "apparmor=", audit_put_apparmor },
		{ "avc: ", audit_put_selinux },
		{ "lsm=SMACK ", audit_put_smack },
	};

	for (size_t n = 0; n < array_count(modules); n++)
		if (slice_starts(body, slice_of(modules[n].start)))
			return modules[n].put(event, body);
	return false;
}

static bool audit_put_landlock(struct event *event, struct slice body)
{
	klog_put_text(event, FIELD_lsm, SLICE("landlock"));
	return slice_starts(body, SLICE("domain="));
}

/* --- records --- */

/* linux/audit.h */
static const struct audit_type_row {
	uint64_t type;
	enum event_kind kind;
	bool (*put)(struct event *event, struct slice body); /* false: it means nothing */
} audit_types[] = {
	{ 1326, EVENT_seccomp_action, NULL },
	{ 1400, EVENT_lsm_denied, audit_put_denial },
	{ 1423, EVENT_lsm_denied, audit_put_landlock },
	{ 1701, EVENT_process_abend, NULL },
};

struct audit_record {
	const struct audit_type_row *type;
	uint64_t number, seconds, ms, serial;
	struct slice body;
};

/* "1326 audit(1795320578.568:2): ..." */
static bool audit_parse(struct slice text, struct audit_record *record)
{
	slice_eat(&text, SLICE("audit: "));
	if (!slice_eat(&text, SLICE("type=")) || !slice_eat_u64(&text, &record->number) ||
		       !slice_eat(&text, SLICE(" audit(")) ||
				  !slice_eat_u64(&text, &record->seconds) ||
				  !slice_eat(&text, SLICE(".")) ||
					     !slice_eat_u64(&text, &record->ms) ||
					     !slice_eat(&text, SLICE(":")) ||
							!slice_eat_u64(&text, &record->serial) ||
							!slice_eat(&text, SLICE("):")))
		return false;
	slice_eat(&text, SLICE(" "));
	record->body = text;
	record->type = NULL;
	for (size_t n = 0; n < array_count(audit_types); n++)
		if (audit_types[n].type == record->number)
			record->type = &audit_types[n];
	return true;
}

static bool audit_emit(struct klog *klog, const struct line *line,
		       const struct audit_record *record)
{
	struct line dated = *line;
	struct event *event;
	struct slice rest = line->whole, other;

	if (dated.wall_ns == 0)
		dated.wall_ns = record->seconds * NS_PER_S + record->ms * NS_PER_MS;
	event = klog_begin(klog, record->type->kind, &dated);
	if (record->type->put && !record->type->put(event, record->body))
		return false;
	audit_put_pairs(event, record->body);
	/* What other records of the same event say, such as whose Landlock domain it is. */
	slice_next(&rest, '\0', &other);
	while (slice_next(&rest, '\0', &other))
		audit_put_pairs(event, other);
	klog_put_number(event, FIELD_audit_type, record->number);
	klog_put_number(event, FIELD_audit_serial, record->serial);
	klog_emit(klog, line);
	return true;
}

/* Landlock's denials name a domain only; a record with the same serial number says whose it is. */
static enum gather_verdict audit_wants(const struct klog *klog, struct gather *gather,
				       const struct line *line)
{
	struct slice rest = text_slice(&gather->text), first;
	struct audit_record denial, other;

	(void)klog;
	if (!audit_parse(line->text, &other) || !slice_next(&rest, '\0', &first) ||
	    !audit_parse(first, &denial))
		return GATHER_stranger;
	if (other.serial != denial.serial || other.type)
		return GATHER_over;
	return other.number == 1300 || other.number == 1424 ? GATHER_last : GATHER_stranger;
}

static void audit_finish(struct klog *klog, struct gather *gather, struct line *first)
{
	struct audit_record record;

	(void)gather;
	if (audit_parse(first->text, &record) && record.type)
		audit_emit(klog, first, &record);
}

static const struct gather_kind audit_gather = { audit_wants, audit_finish };

static bool audit_take(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct audit_record record;

	if (!audit_parse(line->text, &record) || !record.type)
		return false;
	if (record.number == 1423)
		return gather_open(klog, &audit_gather, shape, line);
	return audit_emit(klog, line, &record);
}

/* SELinux without audit: before it has started, or compiled without it. */
static bool audit_take_avc(struct klog *klog, const struct shape *shape, const struct line *line)
{
	struct event *event = klog_begin(klog, EVENT_lsm_denied, line);

	(void)shape;
	if (!audit_put_selinux(event, line->text))
		return false;
	audit_put_pairs(event, line->text);
	klog_emit(klog, line);
	return true;
}

const struct shape audit_shapes[] = {
	{ ANCHOR_start, EVENT_lsm_denied, "audit: type=", audit_take, NULL, NULL, 0, 0 },
	{ ANCHOR_start, EVENT_lsm_denied, "type=1", audit_take, NULL, NULL, 0, 0 },
	{ ANCHOR_start, EVENT_lsm_denied, "avc: ", audit_take_avc, NULL, NULL, 0, 0 },
	{ .words = NULL },
};
