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

static void start(struct world *w, enum location_mode mode)
{
	struct location_options o = {.table = SLICE("location"), .mode = mode, .flush_ms = 60000};
	w->l = location_new(&w->rig.sim.env, &w->rig.store, &o);
}

static void setup_mode(struct world *w, enum location_mode mode)
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

static void setup(struct world *w)
{
	setup_mode(w, LOCATION_MEMORY);
}

static void on_closed(void *data, enum store_error e)
{
	(void)data;
	CHECK_INT(e, STORE_OK);
}

static void teardown(struct world *w)
{
	location_close(w->l, on_closed, NULL);
	rig_free(&w->rig);
}

static void answered(void *data, const struct registrar_answer *a)
{
	struct world *w = data;
	w->answers++;
	w->status = a->status;
	snprintf(w->reason, sizeof(w->reason), "%.*s", SLICE_ARG(a->reason));
	snprintf(w->headers, sizeof(w->headers), "%.*s", SLICE_ARG(a->headers));
}

static void save_msg(struct world *w, const struct msg *m)
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
static unsigned save_cseq(struct world *w, unsigned cseq, const char *headers)
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

static unsigned save(struct world *w, const char *headers)
{
	return save_cseq(w, ++w->cseq, headers);
}

/* Another phone of Bob's: its own Call-ID. */
static unsigned save_other(struct world *w, const char *call_id, unsigned cseq, const char *headers)
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

static void found(void *data, enum store_error e, const struct location_view *view)
{
	struct world *w = data;
	CHECK_INT(e, STORE_OK);
	w->n_seen = 0;
	for (unsigned i = 0; i < view->n && i < 16; i++)
		store_binding_copy(&w->rig.arena, &w->seen[w->n_seen++], view->v[i]);
}

static unsigned look_for(struct world *w, struct slice user)
{
	location_lookup(w->l, user, SLICE("example.org"), w, found);
	return w->n_seen;
}

static unsigned look(struct world *w)
{
	return look_for(w, SLICE("bob"));
}

static bool has_header(const struct world *w, const char *text)
{
	return strstr(w->headers, text) != NULL;
}

/* The Contact lines of the answer, "Contact: " and CRLF taken off, with blanks between. */
static const char *contacts(struct world *w)
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

/* ---- adding, asking, removing ---- */

static void a_binding_is_added_and_listed(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w, CONTACT_A), 200);
	CHECK_STR(contacts(&w), "<sip:bob@192.0.2.4>;expires=3600");
	CHECK(has_header(&w, "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"));
	CHECK_INT(look(&w), 1);
	const struct store_binding *b = &w.seen[0];
	CHECK_SLICE(b->username, "bob");
	CHECK_SLICE(b->domain, "");
	CHECK_SLICE(b->contact, "sip:bob@192.0.2.4");
	CHECK_SLICE(b->callid, "bobs");
	CHECK_SLICE(b->socket, "udp:192.0.2.15:5060");
	CHECK_INT(b->cseq, 1);
	CHECK_INT(b->expires, SIM_WALL_START_S + 3600);
	CHECK_INT(b->last_modified, SIM_WALL_START_S);
	CHECK_INT(b->q, -1);
	CHECK_INT(b->methods, -1);
	CHECK_INT(b->ruid.n, 37);
	CHECK(!b->received.p && !b->path.p && !b->instance.p && !b->user_agent.p);
	teardown(&w);
}

static void a_query_changes_nothing(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w, ""), 200);
	CHECK_STR(contacts(&w), "");
	save(&w, CONTACT_A);
	rig_seconds(&w.rig, 100);
	CHECK_INT(save_cseq(&w, 1, "Expires: 0\n"), 200);
	CHECK_STR(contacts(&w), "<sip:bob@192.0.2.4>;expires=3500");
	CHECK_INT(look(&w), 1);
	teardown(&w);
}

static void each_contact_has_its_time(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w,
		       "Expires: 500\n"
		       "Contact: <sip:a@h>;expires=300, <sip:b@h>\n"
		       "m: \"Bob, who\" <sip:c@h>;q=0.5;expires=\"77\", sip:d@h;expires=100000\n"),
		  200);
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=300 <sip:b@h>;expires=500 "
				"<sip:d@h>;expires=86400 <sip:c@h>;q=0.5;expires=77");
	teardown(&w);
}

static void malformed_times_are_the_default(void)
{
	struct world w;
	setup(&w);
	save(&w, "Expires: 500\nContact: <sip:a@h>;expires=abc, <sip:b@h>;expires=-5\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=3600 <sip:b@h>;expires=3600");
	save(&w, "Expires: soon\nContact: <sip:a@h>\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=3600 <sip:b@h>;expires=3600");
	teardown(&w);
}

/* 2^32 must not wrap to 0, which would remove the binding. */
static void huge_times_do_not_wrap(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: <sip:a@h>;expires=4294967296\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=86400");
	save(&w, "Expires: 99999999999999999999999\nContact: <sip:a@h>\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=86400");
	teardown(&w);
}

static void zero_removes(void)
{
	struct world w;
	setup(&w);
	save(&w, CONTACT_A CONTACT_B);
	CHECK_INT(save(&w, "Contact: <sip:bob@192.0.2.4>;expires=0\n"), 200);
	CHECK_STR(contacts(&w), "<sip:bob@192.0.2.5>;expires=3600");
	CHECK_INT(save(&w, "Expires: 0\nContact: <sip:stranger@192.0.2.9>\n"), 200);
	CHECK_INT(look(&w), 1);
	CHECK_INT(save(&w, "Expires: 0\n" CONTACT_B), 200);
	CHECK_STR(contacts(&w), "");
	CHECK_INT(look(&w), 0);
	teardown(&w);
}

static void refresh_keeps_the_row(void)
{
	struct world w;
	char ruid[64];
	setup(&w);
	save(&w, CONTACT_A);
	look(&w);
	snprintf(ruid, sizeof(ruid), "%.*s", SLICE_ARG(w.seen[0].ruid));
	rig_seconds(&w.rig, 50);
	save(&w, "Contact: <sip:bob@192.0.2.4:5060>\n"); /* not equal: 19.1.4 */
	CHECK_INT(look(&w), 2);
	save(&w, CONTACT_A);
	look(&w);
	CHECK_SLICE(w.seen[0].ruid, ruid);
	CHECK_INT(w.seen[0].expires, SIM_WALL_START_S + 50 + 3600);
	CHECK(!slice_eq(w.seen[0].ruid, w.seen[1].ruid));
	teardown(&w);
}

static void expiry_to_the_second(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: <sip:a@h>;expires=60\n");
	rig_seconds(&w.rig, 59);
	CHECK_INT(look(&w), 1);
	CHECK_INT(save(&w, ""), 200);
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=1");
	rig_seconds(&w.rig, 1);
	CHECK_INT(look(&w), 0);
	teardown(&w);
}

/* ---- too short, too many ---- */

static void too_brief(void)
{
	struct world w;
	setup(&w);
	save(&w, CONTACT_A);
	CHECK_INT(save(&w, "Contact: <sip:a@h>, <sip:b@h>;expires=59\n"), 423);
	CHECK(has_header(&w, "Min-Expires: 60\r\n"));
	CHECK_INT(save(&w, "Expires: 1\nContact: <sip:a@h>\n"), 423);
	CHECK_INT(look(&w), 1);
	CHECK_INT(save(&w, "Contact: <sip:a@h>;expires=60\n"), 200);
	/* An hour may not be called too brief. */
	w.o.min_expires_s = 7200;
	CHECK_INT(save(&w, "Contact: <sip:b@h>;expires=3600\n"), 200);
	CHECK_INT(save(&w, "Contact: <sip:b@h>;expires=3599\n"), 423);
	/* Nor what we chose ourselves. */
	w.o.default_expires_s = 30;
	CHECK_INT(save(&w, "Contact: <sip:c@h>\n"), 200);
	teardown(&w);
}

static void too_many(void)
{
	struct world w;
	setup(&w);
	w.o.max_contacts = 2;
	save(&w, "Contact: <sip:a@h>;expires=100, <sip:b@h>;expires=200\n");
	CHECK_INT(save(&w, "Contact: <sip:a@h>, <sip:c@h>\n"), 503);
	CHECK(has_header(&w, "Retry-After: 100\r\n"));
	CHECK_INT(look(&w), 2);
	CHECK_INT(w.seen[0].expires, SIM_WALL_START_S + 100); /* all or nothing */
	CHECK_INT(save(&w, "Contact: <sip:a@h>;expires=0, <sip:c@h>\n"), 200);
	CHECK_INT(save(&w, "Contact: <sip:b@h>, <sip:c@h>\n"), 200);
	w.o.max_contacts = 1; /* what is there may be refreshed */
	CHECK_INT(save(&w, "Contact: <sip:b@h>, <sip:c@h>\n"), 200);
	teardown(&w);
}

static void the_oldest_makes_room(void)
{
	struct world w;
	setup(&w);
	w.o.max_contacts = 2;
	w.o.replace_oldest = true;
	save(&w, "Contact: <sip:a@h>\n");
	rig_seconds(&w.rig, 1);
	save(&w, "Contact: <sip:b@h>\n");
	rig_seconds(&w.rig, 1);
	save(&w, "Contact: <sip:a@h>\n");
	rig_seconds(&w.rig, 1);
	CHECK_INT(save(&w, "Contact: <sip:c@h>\n"), 200);
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=3599 <sip:c@h>;expires=3600");
	CHECK_INT(save(&w, "Contact: <sip:x@h>, <sip:y@h>, <sip:z@h>\n"), 503);
	CHECK_INT(look(&w), 2);
	teardown(&w);
}

/* ---- the star ---- */

static void star_removes_all(void)
{
	struct world w;
	setup(&w);
	save(&w, CONTACT_A);
	save_other(&w, "other", 77, CONTACT_B);
	CHECK_INT(save(&w, "Contact: *\nExpires: 0\n"), 200);
	CHECK_STR(contacts(&w), "");
	CHECK_INT(look(&w), 0);
	teardown(&w);
}

static void star_rules(void)
{
	struct world w;
	setup(&w);
	save_cseq(&w, 10, CONTACT_A);
	w.cseq = 10;
	CHECK_INT(save(&w, "Contact: *\n"), 400);
	CHECK_INT(save(&w, "Contact: *\nExpires: 60\n"), 400);
	CHECK_INT(save(&w, "Contact: *\nExpires: x\n"), 400);
	CHECK_INT(save(&w, "Contact: *, <sip:a@h>\nExpires: 0\n"), 400);
	CHECK_INT(save(&w, "Contact: <sip:a@h>\nContact: *\nExpires: 0\n"), 400);
	CHECK_INT(save(&w, "Contact: *;expires=0\nExpires: 0\n"), 400);
	CHECK_INT(save_cseq(&w, 10, "Contact: *\nExpires: 0\n"), 400);
	CHECK_INT(look(&w), 1);
	CHECK_INT(save_cseq(&w, 11, "Contact: *\nExpires: 0\n"), 200);
	CHECK_INT(look(&w), 0);
	teardown(&w);
}

/* ---- order ---- */

static void old_requests_change_nothing(void)
{
	struct world w;
	setup(&w);
	save_cseq(&w, 5, CONTACT_A);
	rig_seconds(&w.rig, 10);
	CHECK_INT(save_cseq(&w, 4, "Contact: <sip:new@h>, <sip:bob@192.0.2.4>;expires=0\n"), 400);
	CHECK_INT(save_cseq(&w, 5, CONTACT_A), 400);
	CHECK_STR(w.reason, "CSeq Out of Order");
	CHECK_INT(look(&w), 1);
	CHECK_INT(w.seen[0].expires, SIM_WALL_START_S + 3600);
	CHECK_INT(save_other(&w, "other", 1, CONTACT_A), 200); /* another Call-ID: whatever CSeq */
	CHECK_INT(look(&w), 1);
	CHECK_SLICE(w.seen[0].callid, "other");
	CHECK_INT(save_cseq(&w, 3, CONTACT_A), 200);
	teardown(&w);
}

/* ---- contact identity: RFC 3261 19.1.4 ---- */

static unsigned both(const char *first, const char *second)
{
	struct world w;
	char line[512];
	setup(&w);
	snprintf(line, sizeof(line), "Contact: <%s>\n", first);
	CHECK_INT(save(&w, line), 200);
	snprintf(line, sizeof(line), "Contact: <%s>\n", second);
	CHECK_INT(save(&w, line), 200);
	unsigned n = look(&w);
	CHECK_SLICE(w.seen[n - 1].contact, second); /* the newer text is kept */
	teardown(&w);
	return n;
}

static void equal_uris_are_one_binding(void)
{
	CHECK_INT(
	    both("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
	    1);
	CHECK_INT(both("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"), 1);
	CHECK_INT(both("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"), 1);
	CHECK_INT(both("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		       "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"),
		  1);
	CHECK_INT(both("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		       "sip:alice@atlanta.com?priority=urgent&subject=project%20x"),
		  1);
}

static void different_uris_are_two(void)
{
	CHECK_INT(
	    both("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"), 2);
	CHECK_INT(both("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"), 2);
	CHECK_INT(both("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"), 2);
	CHECK_INT(both("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"), 2);
	CHECK_INT(both("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"), 2);
	CHECK_INT(both("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"), 2);
	CHECK_INT(both("sip:bob@h", "sips:bob@h"), 2);
}

/* Equality is not transitive; rows must stay apart all the same. */
static void ruids_stay_unique(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: <sip:a@h;x=1>\n");
	save(&w, "Contact: <sip:a@h>\n");
	save(&w, "Contact: <sip:a@h;x=2>\n");
	CHECK_INT(look(&w), 1);
	save(&w, "Contact: <sip:a@h;x=1>\n");
	CHECK_INT(look(&w), 2);
	CHECK(!slice_eq(w.seen[0].ruid, w.seen[1].ruid));
	teardown(&w);
}

static void twice_in_one_request(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w, "Contact: <sip:a@h>;expires=100, <sip:a@H>;expires=200\n"), 200);
	CHECK_STR(contacts(&w), "<sip:a@H>;expires=200");
	CHECK_INT(save(&w, "Contact: <sip:a@h>;expires=0, <sip:a@h>;expires=300\n"), 200);
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=300");
	CHECK_INT(save(&w, "Contact: <sip:b@h>, <sip:b@h>;expires=0\n"), 200);
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=300");
	teardown(&w);
}

/* RFC 5626: instance and reg-id are the identity, whatever the contact. */
static void a_flow_replaces_itself(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: <sip:a@192.0.2.4:1000>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n");
	save(&w, "Contact: <sip:a@192.0.2.4:2000>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"\n");
	CHECK_INT(look(&w), 2);
	save(&w, "Contact: <sip:a@192.0.2.4:3000>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n");
	CHECK_STR(contacts(&w),
		  "<sip:a@192.0.2.4:3000>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=1 "
		  "<sip:a@192.0.2.4:2000>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=2");
	/* Another device at the same address is another binding. */
	save(&w, "Contact: <sip:a@192.0.2.4:3000>;+sip.instance=\"<urn:uuid:2>\";reg-id=1\n");
	CHECK_INT(look(&w), 3);
	teardown(&w);
}

static void reg_id_without_instance_is_ignored(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: <sip:a@h>;reg-id=1\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=3600");
	save(&w, "Contact: <sip:b@h>;+sip.instance=\"<urn:uuid:1>\"\n");
	save(&w, "Contact: <sip:c@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=x\n");
	CHECK_INT(look(&w), 3);
	teardown(&w);
}

/* ---- what is refused ---- */

static void bad_contacts(void)
{
	static const char *const bad[] = {
	    "tel:+15551234",
	    "<tel:+15551234>",
	    "<mailto:bob@example.org>",
	    "<http://example.org>",
	    "<>",
	    "<sip:a@>",
	    "sip:a@h foo",
	    "<sip:a@h:99999>",
	    "<sip:a@h",
	    "\"open <sip:a@h>",
	    "sip:a@h?Route=%3Csip:x%3E",
	    "<sip:a@h>;q=1.1",
	    "<sip:a@h>;q=x",
	    "<sip:a@h>;q",
	    "<sip:a@h>;q=0.1234",
	    "<sip:a@h>;q=-1",
	    "",
	};
	struct world w;
	setup(&w);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[256];
		snprintf(line, sizeof(line), "Contact: %s\n", bad[i]);
		if (save(&w, line) != 400)
			printf("# %s is answered %u\n", bad[i], w.status);
		CHECK_INT(w.status, 400);
		CHECK(w.reason[0] != '\0');
		/* All or nothing. */
		snprintf(line, sizeof(line), "Contact: <sip:good@h>\nContact: %s\n", bad[i]);
		if (bad[i][0])
			CHECK_INT(save(&w, line), 400);
	}
	CHECK_INT(look(&w), 0);
	teardown(&w);
}

static void q_values(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w, "Contact: <sip:a@h>;q=1.000, <sip:b@h>;q=0.70, <sip:c@h>;q=0.,"
			   "<sip:d@h>;q=0.005, <sip:e@h>;q=1\n"),
		  200);
	CHECK_STR(contacts(&w), "<sip:a@h>;q=1;expires=3600 <sip:e@h>;q=1;expires=3600 "
				"<sip:b@h>;q=0.7;expires=3600 <sip:d@h>;q=0.005;expires=3600 "
				"<sip:c@h>;q=0;expires=3600");
	teardown(&w);
}

static void save_to(struct world *w, const char *to)
{
	save_msg(w, rig_msg(&w->rig,
			    "REGISTER sip:example.org SIP/2.0\n"
			    "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK1\n"
			    "From: <sip:bob@example.org>;tag=1\n"
			    "To: %s\n"
			    "Call-ID: bobs\n"
			    "CSeq: 1 REGISTER\n" CONTACT_A "\n",
			    to));
}

static void the_aor(void)
{
	struct world w;
	char long_user[128];
	setup(&w);
	save_to(&w, "<tel:+15551234>");
	CHECK_INT(w.status, 400);
	save_to(&w, "<sip:example.org>");
	CHECK_INT(w.status, 404);
	snprintf(long_user, sizeof(long_user), "<sip:%065d@example.org>", 1);
	save_to(&w, long_user);
	CHECK_INT(w.status, 404);
	save_to(&w, "\"Bob\" <sips:b%6Fb@example.org;user=phone>");
	CHECK_INT(w.status, 200);
	CHECK_INT(look(&w), 1);
	teardown(&w);
}

static void long_texts_are_refused(void)
{
	struct world w;
	char headers[2048];
	setup(&w);
	snprintf(headers, sizeof(headers), "Contact: <sip:%0600d@h>\n", 1);
	CHECK_INT(save(&w, headers), 400);
	snprintf(headers, sizeof(headers), CONTACT_A "Path: <sip:%0600d@h;lr>\n", 1);
	CHECK_INT(save(&w, headers), 400);
	snprintf(headers, sizeof(headers), CONTACT_A "User-Agent: %0600d\n", 1);
	CHECK_INT(save(&w, headers), 200);
	look(&w);
	CHECK_INT(w.seen[0].user_agent.n, 255);
	teardown(&w);
}

/* ---- extensions ---- */

static void unknown_extensions_are_refused(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w, CONTACT_A "Require: gruu, path, foo\n"), 420);
	CHECK(has_header(&w, "Unsupported: gruu, foo\r\n"));
	CHECK_INT(look(&w), 0);
	CHECK_INT(save(&w, CONTACT_A "Require: Path\n"), 200);
	w.o.path = false;
	CHECK_INT(save(&w, CONTACT_A "Require: path\n"), 420);
	CHECK(has_header(&w, "Unsupported: path\r\n"));
	teardown(&w);
}

#define PATH "Path: <sip:edge.example.org;lr>,\n <sip:192.0.2.99;lr>\nPath: <sip:x@p3;lr>\n"

static void path_is_kept(void)
{
	static const char kept[] = "<sip:edge.example.org;lr>, <sip:192.0.2.99;lr>, <sip:x@p3;lr>";
	struct world w;
	char line[256];
	setup(&w);
	snprintf(line, sizeof(line), "Path: %s\r\n", kept);
	CHECK_INT(save(&w, CONTACT_A "Supported: path, gruu\n" PATH), 200);
	CHECK(has_header(&w, line));
	look(&w);
	CHECK_SLICE(w.seen[0].path, kept);
	CHECK_INT(save(&w, CONTACT_A PATH), 200);
	CHECK(!has_header(&w, "Path:"));
	look(&w);
	CHECK_SLICE(w.seen[0].path, kept);
	CHECK_INT(save(&w, CONTACT_A "Path: nonsense\n"), 400);
	w.o.path = false;
	CHECK_INT(save(&w, CONTACT_A "Supported: path\n" PATH), 200);
	CHECK(!has_header(&w, "Path:"));
	look(&w);
	CHECK(!w.seen[0].path.p);
	teardown(&w);
}

static void only_known_params_come_back(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: \"Bob\" <sip:a@h;ob>;pub-gruu=\"sip:x\";audio;expires=100;q=0.3\n");
	CHECK_STR(contacts(&w), "<sip:a@h;ob>;q=0.3;expires=100");
	teardown(&w);
}

static void a_quote_in_the_instance_stays_inside(void)
{
	struct world w;
	setup(&w);
	save(&w, "Contact: <sip:a@h>;+sip.instance=\"a\\\"b\\\\c\"\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=3600;+sip.instance=\"a\\\"b\\\\c\"");
	teardown(&w);
}

static void what_the_phone_is(void)
{
	struct world w;
	setup(&w);
	save(&w, CONTACT_A "Allow: INVITE, ACK, BYE\nAllow: UPDATE, FOO, publish\n"
			   "User-Agent: baresip\n  v1\n");
	look(&w);
	CHECK_INT(w.seen[0].methods, 1 + 4 + 8 + 64);
	CHECK_SLICE(w.seen[0].user_agent, "baresip v1");
	teardown(&w);
}

/* ---- NAT ---- */

static const char *received(const char *source, const char *via, const char *headers)
{
	static char out[64];
	struct world w;
	setup(&w);
	w.source = source;
	save_msg(&w, rig_msg(&w.rig,
			     "REGISTER sip:example.org SIP/2.0\n"
			     "Via: SIP/2.0/UDP %s;branch=z9hG4bK1\n"
			     "From: <sip:bob@example.org>;tag=1\n"
			     "To: <sip:bob@example.org>\n"
			     "Call-ID: bobs\n"
			     "CSeq: 1 REGISTER\n"
			     "%s\n",
			     via, headers));
	CHECK_INT(w.status, 200);
	look(&w);
	snprintf(out, sizeof(out), "%.*s", SLICE_ARG(w.seen[0].received));
	teardown(&w);
	return out;
}

static void received_tells_where_a_nat_put_the_phone(void)
{
	const char *home = "Contact: <sip:bob@10.0.0.2:5060>\n";
	CHECK_STR(received("203.0.113.9:40000", "10.0.0.2", home), "sip:203.0.113.9:40000");
	CHECK_STR(received("10.0.0.2:5060", "10.0.0.2;rport", home), "");
	/* Sends from another port: that one counts only when answers are to go there. */
	CHECK_STR(received("10.0.0.2:40000", "10.0.0.2", home), "");
	CHECK_STR(received("10.0.0.2:40000", "10.0.0.2;rport", home), "sip:10.0.0.2:40000");
	CHECK_STR(received("[2001:db8::9]:4000", "[fd00::2]", "Contact: <sip:bob@[FD00:0::2]>\n"),
		  "sip:[2001:db8::9]:4000");
}

static void received_leaves_contacts_elsewhere_alone(void)
{
	CHECK_STR(received("203.0.113.9:4000", "10.0.0.2", "Contact: <sip:gw@198.51.100.1>\n"), "");
	CHECK_STR(received("203.0.113.9:4000", "10.0.0.2", "Contact: <sip:vm@example.net>\n"), "");
	CHECK_STR(received("203.0.113.9:4000", "10.0.0.2",
			   "Contact: <sip:b@10.0.0.2>\nPath: <sip:edge;lr>\n"),
		  "");
}

/* ---- RFC 4475 ---- */

/* 3.1.1.4: a NUL in the user part is a byte like any other. */
static void torture_escnull(void)
{
	struct world w;
	setup(&w);
	save_msg(&w, rig_msg(&w.rig, "%s",
			     "REGISTER sip:example.com SIP/2.0\n"
			     "To: sip:null-%00-null@example.com\n"
			     "From: sip:null-%00-null@example.com;tag=839923423\n"
			     "Max-Forwards: 70\n"
			     "Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd\n"
			     "CSeq: 14398234 REGISTER\n"
			     "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\n"
			     "Contact: <sip:%00@host5.example.com>\n"
			     "Contact: <sip:%00%00@host5.example.com>\n"
			     "L:0\n\n"));
	CHECK_INT(w.status, 200);
	CHECK_STR(contacts(&w), "<sip:%00@host5.example.com>;expires=3600 "
				"<sip:%00%00@host5.example.com>;expires=3600");
	CHECK_INT(look_for(&w, slice_of("null-\0-null", 11)), 2);
	CHECK_INT(look_for(&w, SLICE("null-")), 0);
	teardown(&w);
}

static void save_watson(struct world *w, unsigned cseq, const char *contact)
{
	save_msg(w, rig_msg(&w->rig,
			    "REGISTER sip:example.com SIP/2.0\n"
			    "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw\n"
			    "Max-Forwards: 70\n"
			    "From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe\n"
			    "To: sip:watson@example.com\n"
			    "Call-ID: cparam.70710@saturn.example.com\n"
			    "CSeq: %u REGISTER\n"
			    "Contact: %s\n"
			    "l: 0\n\n",
			    cseq, contact));
}

/* 3.3.12, 3.3.13: a parameter outside <> is the header's, inside it is the URI's. */
static void torture_cparam(void)
{
	struct world w;
	setup(&w);
	save_watson(&w, 2, "sip:+19725552222@gw1.example.net;unknownparam");
	CHECK_STR(contacts(&w), "<sip:+19725552222@gw1.example.net>;expires=3600");
	save_watson(&w, 3, "<sip:+19725552222@gw1.example.net;unknownparam>");
	CHECK_STR(contacts(&w), "<sip:+19725552222@gw1.example.net;unknownparam>;expires=3600");
	teardown(&w);
}

/* 3.3.14: header fields of the contact's URI are kept with it. */
static void torture_regescrt(void)
{
	struct world w;
	setup(&w);
	save_msg(&w, rig_msg(&w.rig, "%s",
			     "REGISTER sip:example.com SIP/2.0\n"
			     "To: sip:user@example.com\n"
			     "From: sip:user@example.com;tag=8\n"
			     "Max-Forwards: 70\n"
			     "Call-ID: regescrt.k345asrl3fdbv@192.0.2.1\n"
			     "CSeq: 14398234 REGISTER\n"
			     "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\n"
			     "M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\n"
			     "L:0\n\n"));
	CHECK_INT(w.status, 200);
	CHECK_STR(contacts(&w),
		  "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=3600");
	teardown(&w);
}

/* ---- the store ---- */

static void a_broken_store_is_503(void)
{
	struct world w;
	const enum location_mode modes[] = {LOCATION_WRITE_THROUGH, LOCATION_STORE_ONLY};
	for (unsigned i = 0; i < 2; i++) {
		setup_mode(&w, modes[i]);
		save(&w, CONTACT_A);
		w.rig.broken = true;
		CHECK_INT(save(&w, "Contact: <sip:bob@192.0.2.4>;expires=0\n" CONTACT_B), 503);
		CHECK(has_header(&w, "Retry-After: 5\r\n"));
		CHECK_STR(contacts(&w), "");
		w.rig.broken = false;
		CHECK_INT(look(&w), 1);
		CHECK_SLICE(w.seen[0].contact, "sip:bob@192.0.2.4");
		CHECK_INT(save_cseq(&w, w.cseq, CONTACT_B),
			  200); /* that CSeq counted for nothing */
		teardown(&w);
	}
}

static void answer_and_store_agree(void)
{
	struct world w;
	setup_mode(&w, LOCATION_STORE_ONLY);
	w.rig.slow = true;
	save(&w, "Contact: <sip:a@h>;expires=999999;q=0.25\n");
	CHECK_INT(w.answers, 0);
	rig_serve(&w.rig);
	CHECK_INT(w.answers, 0);
	rig_serve(&w.rig);
	CHECK_INT(w.status, 200);
	CHECK_STR(contacts(&w), "<sip:a@h>;q=0.25;expires=86400");
	w.rig.slow = false;
	look(&w);
	CHECK_INT(w.seen[0].expires, SIM_WALL_START_S + 86400);
	CHECK_INT(w.seen[0].q, 250);
	CHECK_SLICE(w.seen[0].username, "bob");
	teardown(&w);
}

/* The second request is judged by what the first made, though both came at once. */
static void two_at_once_are_serialised(void)
{
	struct world w;
	struct registrar_request first;
	setup_mode(&w, LOCATION_WRITE_THROUGH);
	w.o.max_contacts = 1;
	w.rig.slow = true;
	const struct msg *m = rig_msg(&w.rig, "%s",
				      "REGISTER sip:example.org SIP/2.0\n"
				      "Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK2\n"
				      "From: <sip:bob@example.org>;tag=2\n"
				      "To: <sip:bob@example.org>\n"
				      "Call-ID: other\n"
				      "CSeq: 1 REGISTER\n" CONTACT_B "\n");
	first = (struct registrar_request){.arena = &w.rig.arena, .msg = m};
	registrar_save(&w.rig.sim.env, w.l, &w.o, &first, &w, answered);
	save(&w, CONTACT_A);
	CHECK_INT(w.rig.asked, 1);
	rig_serve(&w.rig);
	CHECK_INT(w.answers, 2); /* the second needed no store to be refused */
	CHECK_INT(w.status, 503);
	CHECK_INT(look(&w), 1);
	CHECK_SLICE(w.seen[0].contact, "sip:bob@192.0.2.5");
	teardown(&w);
}

/* What was registered before a restart is the same binding after it. */
static void ruids_are_the_same_everywhere(void)
{
	struct world w, v;
	setup(&w);
	setup(&v);
	rig_seconds(&v.rig, 10);
	save(&w, CONTACT_A);
	save_other(&v, "other", 9, CONTACT_A);
	look(&w);
	look(&v);
	CHECK(slice_eq(w.seen[0].ruid, v.seen[0].ruid));
	teardown(&v);
	teardown(&w);
}

static void never_is_as_long_as_can_be_said(void)
{
	struct world w;
	setup(&w);
	w.o.max_expires_s = UINT32_MAX;
	save(&w, "Contact: <sip:a@h>;expires=4294967295\n");
	CHECK_STR(contacts(&w), "<sip:a@h>;expires=4294967295");
	rig_seconds(&w.rig, 100000000);
	CHECK_INT(look(&w), 1);
	teardown(&w);
}

int main(void)
{
	TEST(a_binding_is_added_and_listed);
	TEST(a_query_changes_nothing);
	TEST(each_contact_has_its_time);
	TEST(malformed_times_are_the_default);
	TEST(huge_times_do_not_wrap);
	TEST(zero_removes);
	TEST(refresh_keeps_the_row);
	TEST(expiry_to_the_second);
	TEST(too_brief);
	TEST(too_many);
	TEST(the_oldest_makes_room);
	TEST(star_removes_all);
	TEST(star_rules);
	TEST(old_requests_change_nothing);
	TEST(equal_uris_are_one_binding);
	TEST(different_uris_are_two);
	TEST(ruids_stay_unique);
	TEST(twice_in_one_request);
	TEST(a_flow_replaces_itself);
	TEST(reg_id_without_instance_is_ignored);
	TEST(bad_contacts);
	TEST(q_values);
	TEST(the_aor);
	TEST(long_texts_are_refused);
	TEST(unknown_extensions_are_refused);
	TEST(path_is_kept);
	TEST(only_known_params_come_back);
	TEST(a_quote_in_the_instance_stays_inside);
	TEST(what_the_phone_is);
	TEST(received_tells_where_a_nat_put_the_phone);
	TEST(received_leaves_contacts_elsewhere_alone);
	TEST(torture_escnull);
	TEST(torture_cparam);
	TEST(torture_regescrt);
	TEST(a_broken_store_is_503);
	TEST(answer_and_store_agree);
	TEST(two_at_once_are_serialised);
	TEST(ruids_are_the_same_everywhere);
	TEST(never_is_as_long_as_can_be_said);
	return tap_done();
}
