#include "caller.h"

#include "callee.h"
#include "check.h"
#include "message.h"
#include "request.h"

/* --- the end of a session --------------------------------------------------------------------- */

static void release(struct load *l, struct session *s)
{
	bool stays = s->established && (l->task == TASK_DIAL || l->task == TASK_INFO);

	l->ended++;
	if (!stays) {
		session_give_back(&l->sessions, s);
		return;
	}
	s->state = SESSION_IDLE;
	session_park(&l->sessions, s);
}

static void succeed(struct load *l, struct session *s, uint64_t now_us)
{
	if (l->stats.measuring) {
		l->stats.done++;
		histogram_add(&l->stats.total, now_us - s->begun_us);
	}
	release(l, s);
}

static void fail(struct load *l, struct session *s, unsigned status)
{
	stats_failure(&l->stats, status);
	release(l, s);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void repeat(struct load *l, const struct session *s)
{
	wire_copy(l->caller, (struct span){s->request, s->request_n}, load_caller(l, s));
}

static void repeat_ack(struct load *l, const struct session *s)
{
	if (s->ack_n)
		wire_copy(l->caller, (struct span){s->ack, s->ack_n}, load_caller(l, s));
}

static uint64_t *due_of(struct load *l, const struct session *s)
{
	return &l->sessions.due_us[session_index(&l->sessions, s)];
}

static uint64_t deadline(const struct load *l, const struct session *s)
{
	return s->sent_us + (uint64_t)l->options->timeout_ms * 1000;
}

static void transmit(struct load *l, struct session *s, bool written, enum session_state state,
		     uint64_t now_us)
{
	if (!written) {
		stats_violation(&l->stats, VIOLATION_UNREADABLE); /* what it gave us is too long */
		fail(l, s, 0);
		return;
	}
	s->state = state;
	s->provisional = false;
	s->sent_us = now_us;
	s->interval_us = LOAD_T1_US;
	*due_of(l, s) = now_us + s->interval_us;
	repeat(l, s);
}

/* --- the beginning ---------------------------------------------------------------------------- */

static struct session *take_dialog(struct load *l)
{
	return session_unpark(&l->sessions);
}

static struct session *take_new(struct load *l)
{
	struct session *s = session_take(&l->sessions);
	const struct options *o = l->options;
	uint64_t n;

	if (!s)
		return NULL;
	n = l->next_user++;
	s->user = o->first + (unsigned)(n % o->users);
	s->peer = o->first + (unsigned)((n + o->users / 2) % o->users);
	if (l->task == TASK_REGISTER)
		s->peer = s->user;
	return s;
}

static void begin(struct load *l, struct session *s, uint64_t now_us)
{
	switch (l->task) {
	case TASK_OPTIONS:
		transmit(l, s, request_options(l, s), SESSION_SINGLE, now_us);
		break;
	case TASK_MESSAGE:
		transmit(l, s, request_message(l, s), SESSION_SINGLE, now_us);
		break;
	case TASK_REGISTER:
		transmit(l, s, request_register(l, s, NULL), SESSION_ASKED, now_us);
		break;
	case TASK_CALL:
	case TASK_DIAL:
	case TASK_RING:
		s->invite = true;
		transmit(l, s, request_invite(l, s, NULL), SESSION_ASKED, now_us);
		break;
	case TASK_INFO:
		transmit(l, s, request_info(l, s), SESSION_SINGLE, now_us);
		break;
	case TASK_HANGUP:
		transmit(l, s, request_bye(l, s), SESSION_ENDING, now_us);
		break;
	case TASK_ANSWER:
		s->sent_us = now_us;
		*due_of(l, s) = deadline(l, s);
		callee_answer(l, s, now_us);
		break;
	}
}

bool caller_begin(struct load *l, uint64_t begun_us, uint64_t now_us)
{
	bool in_dialog = l->task == TASK_INFO || l->task == TASK_HANGUP || l->task == TASK_ANSWER;
	struct session *s = in_dialog ? take_dialog(l) : take_new(l);

	if (!s)
		return false;
	l->begun++;
	s->begun_us = begun_us;
	begin(l, s, now_us);
	return true;
}

/* --- responses -------------------------------------------------------------------------------- */

static void provisional(struct load *l, struct session *s, const struct message *m)
{
	if (s->invite && s->state <= SESSION_PROVEN)
		*due_of(l, s) = l->task == TASK_RING ? SESSION_NEVER : deadline(l, s);
	s->provisional = true;
	s->interval_us = LOAD_T2_US;
	if (l->task == TASK_RING && m->status == 180 && !s->rang) {
		s->rang = true;
		l->ended++;
		session_park(&l->sessions, s);
	}
}

/* The challenge of a 401 or 407 is answered; a second one only when the nonce was stale. */
static void challenged(struct load *l, struct session *s, const struct message *m, uint64_t now_us)
{
	struct challenge c;
	bool again = s->state == SESSION_PROVEN;

	if (!challenge_read(&c, m->challenge) || (again && (!c.stale || s->retried))) {
		fail(l, s, m->status);
		return;
	}
	s->retried = again;
	transmit(l, s, s->invite ? request_invite(l, s, &c) : request_register(l, s, &c),
		 SESSION_PROVEN, now_us);
}

static void take_to(struct session *s, const struct message *m)
{
	s->to_n = (uint16_t)(m->to.n < sizeof(s->to) ? m->to.n : 0);
	memcpy(s->to, m->to.p, s->to_n);
}

/* RFC 3261 12.1.2: the Record-Route values, the last first. */
static void take_routes(struct load *l, struct session *s, const struct message *m)
{
	struct span values[MESSAGE_ROUTES], value;
	struct text t = text_in(s->routes, sizeof(s->routes));
	unsigned n = 0;

	for (unsigned i = 0; i < m->record_routes_n; i++) {
		struct span line = m->record_routes[i];
		while (n < MESSAGE_ROUTES && message_next_value(&line, &value))
			values[n++] = value;
	}
	check_routes(l, n ? message_uri(values[n - 1]) : (struct span){0});
	while (n-- > 0) {
		TEXT_PUTS(&t, "Route: ");
		text_put(&t, values[n]);
		TEXT_PUTS(&t, "\r\n");
	}
	s->routes_n = (uint16_t)t.n;
}

static void take_target(struct session *s, const struct message *m)
{
	struct span uri = message_uri(m->contact);

	s->target_n = (uint16_t)(uri.n <= sizeof(s->target) ? uri.n : 0);
	memcpy(s->target, uri.p, s->target_n);
}

static void established(struct load *l, struct session *s, const struct message *m, uint64_t now_us)
{
	take_to(s, m);
	take_routes(l, s, m);
	take_target(s, m);
	if (!s->target_n || !request_ack(l, s)) {
		stats_violation(&l->stats, VIOLATION_UNREADABLE);
		fail(l, s, m->status);
		return;
	}
	repeat_ack(l, s);
	s->established = true;
	if (l->stats.measuring)
		histogram_add(&l->stats.setup, now_us - s->begun_us);
	if (l->task == TASK_DIAL)
		succeed(l, s, now_us);
	else
		transmit(l, s, request_bye(l, s), SESSION_ENDING, now_us);
}

static void final_of_invite(struct load *l, struct session *s, const struct message *m,
			    uint64_t now_us)
{
	if (m->status < 300) {
		established(l, s, m, now_us);
		return;
	}
	take_to(s, m);
	if (request_ack_refusal(l, s))
		repeat_ack(l, s);
	if (m->status == 407 || m->status == 401)
		challenged(l, s, m, now_us);
	else
		fail(l, s, m->status);
}

/* A call is over when its BYE is answered and its ACK came through. */
static void ended(struct load *l, struct session *s, uint64_t now_us)
{
	s->ended = true;
	*due_of(l, s) = deadline(l, s);
	if (s->acked)
		succeed(l, s, now_us);
}

void caller_acked(struct load *l, struct session *s, uint64_t now_us)
{
	if (s->state == SESSION_ENDING && s->ended)
		succeed(l, s, now_us);
}

static void final(struct load *l, struct session *s, const struct message *m, uint64_t now_us)
{
	if (m->status < 300 && s->state == SESSION_ASKED)
		stats_violation(&l->stats, VIOLATION_UNCHALLENGED);
	if (s->invite && s->state <= SESSION_PROVEN)
		final_of_invite(l, s, m, now_us);
	else if (s->state <= SESSION_PROVEN && (m->status == 401 || m->status == 407))
		challenged(l, s, m, now_us);
	else if (m->status >= 300)
		fail(l, s, m->status);
	else if (s->state == SESSION_ENDING)
		ended(l, s, now_us);
	else
		succeed(l, s, now_us);
}

/* What the session does not wait for (any more).  The 2xx of an INVITE, or a refusal, that
 * comes again wants its ACK again. */
static bool is_late(const struct session *s, const struct message *m)
{
	bool to_invite = span_is(m->cseq_method, SPAN("INVITE"));

	return m->cseq_number != s->cseq || s->state == SESSION_IDLE || s->ended ||
	       (to_invite && s->state > SESSION_PROVEN);
}

static void late(struct load *l, const struct session *s, const struct message *m)
{
	if (m->status >= 200 && span_is(m->cseq_method, SPAN("INVITE")) &&
	    m->cseq_number == s->ack_cseq)
		repeat_ack(l, s);
	else
		l->stats.stray++;
}

void caller_hear(struct load *l, struct span datagram, uint64_t now_us)
{
	struct message m;
	struct session *s;
	bool ours;

	if (!message_read(&m, datagram) || !m.status) {
		stats_violation(&l->stats, VIOLATION_UNREADABLE);
		return;
	}
	s = session_find(&l->sessions, m.call_id, &ours);
	if (!s) {
		l->stats.stray++;
		return;
	}
	check_response(l, s, &m);
	if (is_late(s, &m))
		late(l, s, &m);
	else if (m.status < 200)
		provisional(l, s, &m);
	else
		final(l, s, &m, now_us);
}

/* --- timers ----------------------------------------------------------------------------------- */

static void due(struct load *l, struct session *s, uint64_t now_us)
{
	bool invite = s->invite && s->state <= SESSION_PROVEN;
	uint64_t end = deadline(l, s);

	if (now_us >= end) {
		fail(l, s, 0);
		return;
	}
	l->stats.retransmissions += l->stats.measuring;
	repeat(l, s);
	if (invite || s->interval_us < LOAD_T2_US / 2)
		s->interval_us *= 2;
	else
		s->interval_us = LOAD_T2_US;
	*due_of(l, s) = now_us + s->interval_us < end ? now_us + s->interval_us : end;
}

void caller_timers(struct load *l, uint64_t now_us)
{
	for (unsigned i = 0; i < l->sessions.used; i++)
		if (now_us >= l->sessions.due_us[i])
			due(l, &l->sessions.all[i], now_us);
}
