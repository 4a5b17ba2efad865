#include "registrar_rig.h"

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

/* Each is compared with all bindings, so there is a limit to their number. */
static void more_contacts_than_any_aor_has(void)
{
	struct world w;
	char text[2000] = "Expires: 0\nContact: <sip:0@h>";
	setup(&w);
	for (int i = 1; i < 32; i++)
		snprintf(text + strlen(text), 30, ",%s<sip:%d@h>", i % 8 ? "" : "\n ", i);
	strcat(text, "\n");
	CHECK_INT(save(&w, text), 200);
	strcat(text, "Contact: <sip:32@h>\n");
	CHECK_INT(save(&w, text), 400);
	CHECK_STR(w.reason, "Too Many Contacts");
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

static const char *user_agent(const char *text)
{
	static char out[300];
	struct world w;
	char headers[1024];
	setup(&w);
	snprintf(headers, sizeof(headers), CONTACT_A "User-Agent: %s\n", text);
	CHECK_INT(save(&w, headers), 200);
	look(&w);
	snprintf(out, sizeof(out), "%.*s", SLICE_ARG(w.seen[0].user_agent));
	teardown(&w);
	return out;
}

/* One phone's Latin-1 must not keep a whole write-back batch out of the database. */
static void a_user_agent_is_made_utf8(void)
{
	char text[300], expected[255];
	CHECK_STR(user_agent("T\xc3\xa9l\xc3\xa9phone"), "T\xc3\xa9l\xc3\xa9phone");
	CHECK_STR(user_agent("T\xe9l\xe9phone"), "T?l?phone");
	CHECK_STR(user_agent("\xe2\x82"), "??");
	snprintf(expected, sizeof(expected), "%0254d", 0);
	snprintf(text, sizeof(text), "%s\xc3\xa9", expected); /* no half of the last one */
	CHECK_STR(user_agent(text), expected);
}

static void what_is_not_utf8_is_refused(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(save(&w, "Contact: <sip:b\xe9@192.0.2.4>\n"), 400);
	CHECK_INT(save(&w, "Contact: <sip:a@h>;+sip.instance=\"\xe9\"\n"), 400);
	CHECK_INT(save(&w, CONTACT_A "Path: \"\xe9\" <sip:p;lr>\n"), 400);
	CHECK_INT(save_other(&w, "call\xe9", 1, CONTACT_A), 400);
	CHECK_INT(look(&w), 0);
	CHECK_INT(save(&w, "Contact: \"\xe9\" <sip:a@h>\n"), 200); /* a name is not kept */
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
		CHECK(has_header(&w, "Retry-After: "));
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
	TEST(more_contacts_than_any_aor_has);
	TEST(the_oldest_makes_room);
	TEST(star_removes_all);
	TEST(star_rules);
	TEST(old_requests_change_nothing);
	TEST(unknown_extensions_are_refused);
	TEST(path_is_kept);
	TEST(only_known_params_come_back);
	TEST(a_quote_in_the_instance_stays_inside);
	TEST(what_the_phone_is);
	TEST(a_user_agent_is_made_utf8);
	TEST(what_is_not_utf8_is_refused);
	TEST(a_broken_store_is_503);
	TEST(answer_and_store_agree);
	TEST(two_at_once_are_serialised);
	TEST(ruids_are_the_same_everywhere);
	TEST(never_is_as_long_as_can_be_said);
	return tap_done();
}
