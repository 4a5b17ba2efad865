#include "registrar_rig.h"

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

int main(void)
{
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
	TEST(received_tells_where_a_nat_put_the_phone);
	TEST(received_leaves_contacts_elsewhere_alone);
	TEST(torture_escnull);
	TEST(torture_cparam);
	TEST(torture_regescrt);
	return tap_done();
}
