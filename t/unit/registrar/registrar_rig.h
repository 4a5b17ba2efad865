/*
 * registrar_rig: Bob's phones and their REGISTERs.
 */
#ifndef REGISTRAR_REGISTRAR_RIG_H
#define REGISTRAR_REGISTRAR_RIG_H

#include "registrar/registrar.h"
#include "rig.h"

struct world {
	struct rig rig;
	struct location *l;
	struct registrar_options o;
	const char *source;
	struct registrar_request request;
	unsigned cseq;
	/* Of the last answer and lookup. */
	unsigned answers;
	unsigned status;
	char reason[128];
	char headers[4096];
	struct store_binding seen[16];
	unsigned n_seen;
};

static inline void start(struct world *w, enum location_mode mode)
{
	struct location_options o = {.table = SLICE("location"), .mode = mode, .flush_ms = 60000};
	w->l = location_new(&w->rig.sim.env, &w->rig.store, &o);
}

static inline void setup_mode(struct world *w, enum location_mode mode)
{
	*w = (struct world){
	    .o = {.default_expires_s = 3600,
		  .min_expires_s = 60,
		  .max_expires_s = 86400,
		  .max_contacts = 10,
		  .path = true},
	    .source = "192.0.2.4:5060",
	};
	rig_init(&w->rig);
	start(w, mode);
}

static inline void setup(struct world *w)
{
	setup_mode(w, LOCATION_MEMORY);
}

static inline void on_closed(void *data, enum store_error e)
{
	(void)data;
	CHECK_INT(e, STORE_OK);
}

static inline void teardown(struct world *w)
{
	location_close(w->l, on_closed, NULL);
	rig_free(&w->rig);
}

static inline void answered(void *data, const struct registrar_answer *a)
{
	struct world *w = data;
	w->answers++;
	w->status = a->status;
	snprintf(w->reason, sizeof(w->reason), "%.*s", SLICE_ARG(a->reason));
	snprintf(w->headers, sizeof(w->headers), "%.*s", SLICE_ARG(a->headers));
}

static inline void save_msg(struct world *w, const struct msg *m)
{
	w->request = (struct registrar_request){
	    .arena = &w->rig.arena, .msg = m, .socket = SLICE("udp:192.0.2.15:5060")};
	CHECK_INT(addr_parse_port(&w->request.source, slice_str(w->source)), 0);
	w->answers = w->status = 0;
	registrar_save(&w->rig.sim.env, w->l, &w->o, &w->request, w, answered);
	if (!w->rig.slow)
		CHECK_INT(w->answers, 1);
}

/* Bob's REGISTER with these header lines; its CSeq is the next one. */
static inline unsigned save_cseq(struct world *w, unsigned cseq, const char *headers)
{
	save_msg(w, rig_msg(&w->rig,
			    "REGISTER sip:example.org SIP/2.0\n"
			    "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK1\n"
			    "From: <sip:bob@example.org>;tag=1\n"
			    "To: <sip:bob@example.org>\n"
			    "Call-ID: bobs\n"
			    "CSeq: %u REGISTER\n"
			    "%s"
			    "Content-Length: 0\n\n",
			    cseq, headers));
	return w->status;
}

static inline unsigned save(struct world *w, const char *headers)
{
	return save_cseq(w, ++w->cseq, headers);
}

/* Another phone of Bob's: its own Call-ID. */
static inline unsigned save_other(struct world *w, const char *call_id, unsigned cseq,
				  const char *headers)
{
	save_msg(w, rig_msg(&w->rig,
			    "REGISTER sip:example.org SIP/2.0\n"
			    "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK1\n"
			    "From: <sip:bob@example.org>;tag=1\n"
			    "To: <sip:bob@example.org>\n"
			    "Call-ID: %s\n"
			    "CSeq: %u REGISTER\n"
			    "%s\n",
			    call_id, cseq, headers));
	return w->status;
}

static inline void found(void *data, enum store_error e, const struct location_view *view)
{
	struct world *w = data;
	CHECK_INT(e, STORE_OK);
	w->n_seen = 0;
	for (unsigned i = 0; i < view->n && i < 16; i++)
		store_binding_copy(&w->rig.arena, &w->seen[w->n_seen++], view->v[i]);
}

static inline unsigned look_for(struct world *w, struct slice user)
{
	location_lookup(w->l, user, SLICE("example.org"), w, found);
	return w->n_seen;
}

static inline unsigned look(struct world *w)
{
	return look_for(w, SLICE("bob"));
}

static inline bool has_header(const struct world *w, const char *text)
{
	return strstr(w->headers, text) != NULL;
}

/* The Contact lines of the answer, "Contact: " and CRLF taken off, with blanks between. */
static inline const char *contacts(struct world *w)
{
	static char out[2048];
	size_t n = 0;
	out[0] = '\0';
	for (const char *p = w->headers; (p = strstr(p, "Contact: ")); p++) {
		p += 9;
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n ? " " : "",
				      (int)strcspn(p, "\r"), p);
	}
	return out;
}

#define CONTACT_A "Contact: <sip:bob@192.0.2.4>\n"
#define CONTACT_B "Contact: <sip:bob@192.0.2.5>\n"

#endif
