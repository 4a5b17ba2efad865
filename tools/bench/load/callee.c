#include "callee.h"

#include "caller.h"
#include "check.h"
#include "message.h"
#include "request.h"

enum { ANSWER_GIVEN_UP_US = 64 * LOAD_T1_US };

/* --- responses -------------------------------------------------------------------------------- */

static void put_line(struct text *t, struct span name, struct span value)
{
	text_put(t, name);
	text_put(t, value);
	TEXT_PUTS(t, "\r\n");
}

static void put_to(struct text *t, const struct message *m)
{
	TEXT_PUTS(t, "To: ");
	text_put(t, m->to);
	if (!span_has(m->to, SPAN(";tag="))) {
		TEXT_PUTS(t, ";tag=callee");
		text_put(t, (struct span){m->call_id.p, SESSION_ID});
	}
	TEXT_PUTS(t, "\r\n");
}

/* RFC 3261 8.2.6.2: what a response takes over from its request. */
static void put_head(struct text *t, const struct message *m, struct span start)
{
	text_put(t, start);
	for (unsigned i = 0; i < m->vias_n; i++)
		put_line(t, SPAN("Via: "), m->vias[i]);
	for (unsigned i = 0; i < m->record_routes_n; i++)
		put_line(t, SPAN("Record-Route: "), m->record_routes[i]);
	put_line(t, SPAN("From: "), m->from);
	put_to(t, m);
	put_line(t, SPAN("Call-ID: "), m->call_id);
	put_line(t, SPAN("CSeq: "), m->cseq);
}

static void put_contact(const struct load *l, const struct session *s, struct text *t)
{
	TEXT_PUTS(t, "Contact: <");
	phone_put_contact(t, s->peer, load_callee(l, s->peer), wire_port(l->callee));
	TEXT_PUTS(t, ">\r\n");
}

static void ring(struct load *l, const struct session *s, const struct message *m)
{
	struct text t = wire_next(l->callee);

	put_head(&t, m, SPAN("SIP/2.0 180 Ringing\r\n"));
	put_contact(l, s, &t);
	request_put_body(&t, "", SPAN(""));
	wire_send(l->callee, &t, load_callee(l, s->peer));
}

static void accept_other(struct load *l, const struct session *s, const struct message *m)
{
	struct text t = wire_next(l->callee);

	put_head(&t, m, SPAN("SIP/2.0 200 OK\r\n"));
	request_put_body(&t, "", SPAN(""));
	wire_send(l->callee, &t, load_callee(l, s ? s->peer : l->options->first));
}

/* --- INVITE ----------------------------------------------------------------------------------- */

static uint64_t *due_of(struct load *l, const struct session *s)
{
	return &l->sessions.answer_due_us[session_index(&l->sessions, s)];
}

static void send_answer(struct load *l, struct session *s, uint64_t now_us)
{
	wire_copy(l->callee, (struct span){s->answer, s->answer_n}, load_callee(l, s->peer));
	*due_of(l, s) = now_us + s->answer_interval_us;
}

void callee_answer(struct load *l, struct session *s, uint64_t now_us)
{
	s->answered = true;
	s->answered_us = now_us;
	s->answer_interval_us = LOAD_T1_US;
	send_answer(l, s, now_us);
}

static void write_answer(struct load *l, struct session *s, const struct message *m)
{
	struct text t = text_in(s->answer, sizeof(s->answer));

	put_head(&t, m, SPAN("SIP/2.0 200 OK\r\n"));
	put_contact(l, s, &t);
	request_put_body(&t, "application/sdp", SPAN(REQUEST_SDP));
	s->answer_n = (uint16_t)t.n;
	if (t.full)
		stats_violation(&l->stats, VIOLATION_UNREADABLE);
}

static void invited(struct load *l, struct session *s, const struct message *m, uint64_t now_us)
{
	bool first = !s->invited;

	s->invited = true;
	ring(l, s, m);
	if (first)
		write_answer(l, s, m);
	if (first && l->task != TASK_RING)
		callee_answer(l, s, now_us);
	else if (s->answered && !s->acked)
		send_answer(l, s, now_us);
}

static void acked(struct load *l, struct session *s, uint64_t now_us)
{
	if (s->acked)
		return;
	s->acked = true;
	*due_of(l, s) = SESSION_NEVER;
	caller_acked(l, s, now_us);
}

void callee_hear(struct load *l, struct span datagram, uint64_t now_us)
{
	struct message m;
	struct session *s;
	bool ours;

	if (!message_read(&m, datagram) || m.status) {
		stats_violation(&l->stats, VIOLATION_UNREADABLE);
		return;
	}
	s = session_find(&l->sessions, m.call_id, &ours);
	if (s)
		check_request(l, s, &m);
	else
		l->stats.stray++;
	if (span_is(m.method, SPAN("ACK"))) {
		if (s)
			acked(l, s, now_us);
	} else if (span_is(m.method, SPAN("INVITE"))) {
		if (s)
			invited(l, s, &m, now_us);
	} else if (ours) {
		accept_other(l, s, &m);
	}
}

static void due(struct load *l, struct session *s, uint64_t now_us)
{
	if (now_us - s->answered_us > ANSWER_GIVEN_UP_US) {
		*due_of(l, s) = SESSION_NEVER;
		return;
	}
	l->stats.retransmissions += l->stats.measuring;
	s->answer_interval_us *= 2;
	if (s->answer_interval_us > LOAD_T2_US)
		s->answer_interval_us = LOAD_T2_US;
	send_answer(l, s, now_us);
}

void callee_timers(struct load *l, uint64_t now_us)
{
	for (unsigned i = 0; i < l->sessions.used; i++)
		if (now_us >= l->sessions.answer_due_us[i])
			due(l, &l->sessions.all[i], now_us);
}
