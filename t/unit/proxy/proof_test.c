/*
 * The proof of a dialog in our Record-Route: who may use it, and how long.
 */
#include "proxy/proof.h"

#include "proxy/proxy.h"
#include "sim/sim.h"
#include "tap.h"

enum { DAY_S = 86400 };

/* What of a request counts. */
struct ids {
	const char *from, *from_tag, *to, *to_tag, *call_id;
};

static const struct ids initial = {"sip:10@Example.org", "caller", "sip:f@203.0.113.5", NULL, "c"};
static const struct ids by_caller = {"sip:10@example.org", "caller", "sip:f@203.0.113.5", "callee",
				     "c"};
static const struct ids by_callee = {"sip:f@203.0.113.5", "callee", "sip:10@EXAMPLE.org:5060;x=y",
				     "caller", "c"};

struct world {
	struct sim sim;
	struct proxy proxy;
	struct msg msg;
	struct received request;
	struct context context;
	char proof[PROOF_DIGITS + 1]; /* of the initial request */
};

static const struct context *context_of(struct world *w, const struct ids *x)
{
	struct msg *m = &w->msg;

	uri_parse(&m->from_uri, slice_str(x->from));
	m->from_tag = slice_str(x->from_tag);
	uri_parse(&m->to_uri, slice_str(x->to));
	m->to_tag = slice_str(x->to_tag);
	m->call_id = slice_str(x->call_id);
	w->context = (struct context){.proxy = &w->proxy, .request = &w->request};
	return &w->context;
}

static void setup(struct world *w, const struct ids *begin)
{
	static const char *const listen[] = {"192.0.2.1:5060"};

	*w = (struct world){.proxy = {.options = {.dialog_max_age_s = DAY_S}}};
	CHECK_INT(sim_init(&w->sim, 1, listen, 1), 0);
	w->request.msg = &w->msg;
	arena_init(&w->request.work, 1024);
	w->proxy.env = &w->sim.env;
	proof_make(context_of(w, begin), w->proof);
}

static void teardown(struct world *w)
{
	arena_free(&w->request.work);
	sim_free(&w->sim);
}

static bool holds(struct world *w, const struct ids *x)
{
	return proof_holds(context_of(w, x), slice_str(w->proof));
}

/* Of a dialog that began so, in a request that says so. */
static bool begun_and_holds(const struct ids *begin, const struct ids *x)
{
	struct world w;

	setup(&w, begin);
	bool yes = holds(&w, x);
	teardown(&w);
	return yes;
}

static void both_sides_have_it(void)
{
	CHECK(begun_and_holds(&initial, &by_caller));
	CHECK(begun_and_holds(&initial, &by_callee));
}

static void names_count_not_their_spelling(void)
{
	const struct ids begin = {"sip:%31%30@example.org:5070", "t", "tel:+1-2", NULL, "c"};
	const struct ids later = {"sips:10@EXAMPLE.ORG", "t", "tel:+1-2", "u", "c"};

	CHECK(begun_and_holds(&begin, &later));
}

/* A callee abroad must not turn one call into a way to anybody under any name. */
static void nobody_else_can_use_it(void)
{
	struct ids x = by_callee;

	x.call_id = "d";
	CHECK(!begun_and_holds(&initial, &x));
	x = by_callee;
	x.to_tag = "made up";
	CHECK(!begun_and_holds(&initial, &x));
	x = by_callee;
	x.from = "sip:11@example.org";
	CHECK(!begun_and_holds(&initial, &x));
	x = by_callee;
	x.from = "sip:f@203.0.113.6";
	CHECK(!begun_and_holds(&initial, &x));
	x = by_callee;
	x.to = "sip:1O@example.org";
	CHECK(!begun_and_holds(&initial, &x));
	x = by_caller; /* the caller's name, but not his tag */
	x.from_tag = "callee";
	x.to_tag = "caller";
	CHECK(!begun_and_holds(&initial, &x));
}

static void it_lasts_a_while(void)
{
	struct world w;

	setup(&w, &initial);
	sim_advance(&w.sim, (uint64_t)DAY_S * 1000);
	CHECK(holds(&w, &by_caller));
	sim_advance(&w.sim, 1000);
	CHECK(!holds(&w, &by_caller));
	w.proxy.options.dialog_max_age_s = 0;
	CHECK(holds(&w, &by_caller));
	teardown(&w);
}

/* Nor can its time be changed. */
static void only_as_it_was_made(void)
{
	struct world w;

	setup(&w, &initial);
	CHECK_INT(strlen(w.proof), PROOF_DIGITS);
	for (size_t i = 0; i < PROOF_DIGITS; i++) {
		char was = w.proof[i];
		w.proof[i] = was == '7' ? '8' : '7';
		CHECK(!holds(&w, &by_caller));
		w.proof[i] = 'x';
		CHECK(!holds(&w, &by_caller));
		w.proof[i] = was;
	}
	w.proof[PROOF_DIGITS - 1] = '\0';
	CHECK(!holds(&w, &by_caller));
	w.proof[0] = '\0';
	CHECK(!holds(&w, &by_caller));
	teardown(&w);
}

static void another_key_makes_another(void)
{
	struct world w;

	setup(&w, &initial);
	w.proxy.options.route_key[0]++;
	CHECK(!holds(&w, &by_caller));
	teardown(&w);
}

int main(void)
{
	TEST(both_sides_have_it);
	TEST(names_count_not_their_spelling);
	TEST(nobody_else_can_use_it);
	TEST(it_lasts_a_while);
	TEST(only_as_it_was_made);
	TEST(another_key_makes_another);
	return tap_done();
}
