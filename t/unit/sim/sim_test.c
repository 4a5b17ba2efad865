#include "tap.h"

#include "sim/sim.h"

/* What the code under test was told. */
struct seen {
	unsigned datagrams, socket;
	struct addr from;
	char bytes[1024];
	unsigned unreachables;
	size_t quoted;
	unsigned lookups, n_addrs;
	struct addr addrs[8];
};

static void on_datagram(void *data, unsigned socket, const struct addr *from, struct slice bytes)
{
	struct seen *seen = data;

	seen->datagrams++;
	seen->socket = socket;
	seen->from = *from;
	snprintf(seen->bytes, sizeof(seen->bytes), "%.*s", SLICE_ARG(bytes));
}

static void on_unreachable(void *data, unsigned socket, const struct addr *to, struct slice quoted)
{
	struct seen *seen = data;

	seen->unreachables++;
	seen->socket = socket;
	seen->from = *to;
	seen->quoted = quoted.n;
}

static void on_found(void *data, const struct addr *addrs, unsigned n)
{
	struct seen *seen = data;

	seen->lookups++;
	seen->n_addrs = n;
	for (unsigned i = 0; i < n; i++)
		seen->addrs[i] = addrs[i];
}

static void start(struct sim *s, struct seen *seen)
{
	static const char *const listen[] = {"192.0.2.1:5060", "[2001:db8::1]:5060"};

	*seen = (struct seen){0};
	CHECK_INT(sim_init(s, 1, listen, 2), 0);
	s->net.user = (struct net_user){seen, on_datagram, on_unreachable};
}

static void datagrams_arrive_where_somebody_listens(void)
{
	struct sim s;
	struct seen seen;
	char from[ADDR_TEXT];

	start(&s, &seen);
	CHECK(sim_deliver(&s, "192.0.2.9:5070", "192.0.2.1:5060", SLICE("four")));
	CHECK_INT(seen.socket, 0);
	CHECK_STR(seen.bytes, "four");
	CHECK(sim_deliver(&s, "[2001:db8::9]:5070", "[2001:db8::1]:5060", SLICE("six")));
	CHECK_INT(seen.socket, 1);
	addr_text(&seen.from, from);
	CHECK_STR(from, "[2001:db8::9]:5070");
	CHECK(!sim_deliver(&s, "192.0.2.9:5070", "192.0.2.1:5061", SLICE("nobody")));
	CHECK(!sim_deliver(&s, "192.0.2.9:5070", "nonsense", SLICE("nobody")));
	CHECK_INT(seen.datagrams, 2);
	sim_free(&s);
}

static void sent_datagrams_are_taken_in_order(void)
{
	struct sim s;
	struct seen seen;
	struct addr to;
	struct sim_packet *p;

	start(&s, &seen);
	addr_parse_port(&to, SLICE("192.0.2.9:5070"));
	s.net.send(&s.net, 0, &to, SLICE("one"));
	sim_advance(&s, 10);
	s.net.send(&s.net, 0, &to, SLICE("two"));
	p = sim_take(&s);
	CHECK_SLICE(p->bytes, "one");
	CHECK_INT(p->at_ms, 0);
	CHECK(addr_equal(&p->from, &s.local[0]));
	sim_packet_free(p);
	p = sim_take(&s);
	CHECK_SLICE(p->bytes, "two");
	CHECK_INT(p->at_ms, 10);
	sim_packet_free(p);
	CHECK(sim_take(&s) == NULL);
	s.net.send(&s.net, 0, &to, SLICE("never taken"));
	sim_free(&s);
}

static void icmp_errors_quote_the_beginning(void)
{
	struct sim s;
	struct seen seen;
	struct addr to;
	struct sim_packet *p;
	static const char zeroes[2000];

	start(&s, &seen);
	addr_parse_port(&to, SLICE("[2001:db8::9]:5070"));
	s.net.send(&s.net, 1, &to, slice_of(zeroes, sizeof(zeroes)));
	p = sim_take(&s);
	sim_unreachable(&s, p);
	CHECK_INT(seen.unreachables, 1);
	CHECK_INT(seen.socket, 1);
	CHECK(addr_equal(&seen.from, &to));
	CHECK_INT(seen.quoted, SIM_QUOTE_BYTES);
	sim_packet_free(p);
	sim_free(&s);
}

static void names_resolve_at_once_or_later(void)
{
	struct sim s;
	struct seen seen;
	char text[ADDR_TEXT];

	start(&s, &seen);
	sim_host(&s, "example.org", "192.0.2.7");
	sim_host(&s, "example.org", "2001:db8::7");
	CHECK_INT(sim_host(&s, "example.org", "other.example.org"), -1);
	s.net.resolve(&s.net, SLICE("EXAMPLE.org"), &seen, on_found);
	CHECK_INT(seen.n_addrs, 2);
	addr_host(&seen.addrs[1], false, text);
	CHECK_STR(text, "2001:db8::7");

	s.resolve_delay_ms = 50;
	s.net.resolve(&s.net, SLICE("nowhere.example.org"), &seen, on_found);
	sim_advance(&s, 49);
	CHECK_INT(seen.lookups, 1);
	sim_advance(&s, 1);
	CHECK_INT(seen.lookups, 2);
	CHECK_INT(seen.n_addrs, 0);
	sim_free(&s);
}

static void lookups_under_way_are_answered_at_the_end(void)
{
	struct sim s;
	struct seen seen;

	start(&s, &seen);
	s.resolve_delay_ms = 50;
	sim_host(&s, "example.org", "192.0.2.7");
	s.net.resolve(&s.net, SLICE("example.org"), &seen, on_found);
	sim_free(&s);
	CHECK_INT(seen.lookups, 1);
	CHECK_INT(seen.n_addrs, 0);
}

static void the_world_repeats_with_its_seed(void)
{
	struct sim a, b;
	struct seen seen;

	start(&a, &seen);
	start(&b, &seen);
	CHECK(rand_u64(a.env.rand) == rand_u64(b.env.rand));
	CHECK_INT(env_wall_s(&a.env), SIM_WALL_START_S);
	sim_advance(&a, 5000);
	CHECK_INT(env_wall_s(&a.env), SIM_WALL_START_S + 5);
	sim_free(&a);
	sim_free(&b);
}

static void log_lines_are_kept(void)
{
	struct sim s;
	struct seen seen;

	start(&s, &seen);
	log_debug(s.env.log, "one");
	log_error(s.env.log, "two");
	CHECK_SLICE(buf_slice(&s.log_text), "debug: one\nerror: two\n");
	sim_free(&s);
}

static void bad_addresses_are_refused(void)
{
	static const char *const listen[] = {"example.org:5060"};
	struct sim s;

	CHECK_INT(sim_init(&s, 1, listen, 1), -1);
	sim_free(&s);
	CHECK_INT(sim_init(&s, 1, listen, SIM_MAX_SOCKETS + 1), -1);
	sim_free(&s);
}

int main(void)
{
	TEST(datagrams_arrive_where_somebody_listens);
	TEST(sent_datagrams_are_taken_in_order);
	TEST(icmp_errors_quote_the_beginning);
	TEST(names_resolve_at_once_or_later);
	TEST(lookups_under_way_are_answered_at_the_end);
	TEST(the_world_repeats_with_its_seed);
	TEST(log_lines_are_kept);
	TEST(bad_addresses_are_refused);
	return tap_done();
}
