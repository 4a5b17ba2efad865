#include "script/nearest.h"
#include "script/settings.h"
#include "script/settings_change.h"

#include "tap.h"

static void has_the_defaults_of_its_table(void)
{
	struct settings s;

	settings_init(&s);
	CHECK_INT(s.db_mode, LOCATION_WRITE_THROUGH);
	CHECK_INT(s.timer_interval_s, 60);
	CHECK_INT(s.registrar.min_expires_s, 60);
	CHECK_INT(s.timer_c_ms, 185000);
	CHECK_INT(s.script_memory_bytes, 256 << 20);
	CHECK_INT(s.log_level, LOG_NOTICE);
	CHECK_INT(s.log_colour, COLOUR_AUTO);
	CHECK(s.full_lr && s.auth.plain && s.registrar.path);
	CHECK_SLICE(s.store, "memory:");
	CHECK_INT(s.n_listen, 0);
	settings_free(&s);
}

static void each_default_is_a_value_it_takes(void)
{
	struct settings s;
	struct buf why;

	settings_init(&s);
	buf_init(&why, 1000);
	for (unsigned i = 0; i < settings_count; i++) {
		const struct setting *d = &settings_table[i];
		if (d->type == SETTING_NUMBER || d->type == SETTING_SIZE)
			CHECK_INT(settings_set_number(&s, d, (int64_t)d->number, &why), 0);
		if (d->type == SETTING_CHOICE)
			CHECK_INT(settings_set_text(&s, d, slice_str(d->text), &why), 0);
	}
	CHECK_INT(why.n, 0);
	buf_free(&why);
	settings_free(&s);
}

static void listens_where_it_is_told(void)
{
	struct settings s;
	struct buf why;
	char text[ADDR_TEXT];

	settings_init(&s);
	buf_init(&why, 1000);
	CHECK_INT(settings_add_listen(&s, SLICE("udp:[::1]:5070"), &why), 0);
	CHECK_INT(settings_add_listen(&s, SLICE("udp:127.0.0.1:0 advertise sip.example.org"), &why),
		  0);
	addr_text(&s.listen[0], text);
	CHECK_STR(text, "[::1]:5070");
	CHECK(s.advertise[0] == NULL);
	CHECK_STR(s.advertise[1], "sip.example.org");
	for (unsigned i = 2; i < SETTINGS_MAX_LISTEN; i++)
		CHECK_INT(settings_add_listen(&s, SLICE("udp:127.0.0.1:5060"), &why), 0);
	CHECK_INT(settings_add_listen(&s, SLICE("udp:127.0.0.1:5060"), &why), -1);
	CHECK_SLICE(buf_slice(&why), "more than 16 addresses");
	buf_free(&why);
	settings_free(&s);
}

static void refuses_listen_entries_that_are_none(void)
{
	static const char *const bad[] = {"",
					  "udp:",
					  "127.0.0.1:5060",
					  "udp:127.0.0.1",
					  "udp:127.0.0.1:99999",
					  "udp:host:5060",
					  "tls:127.0.0.1:5061",
					  "udp:127.0.0.1:5060 advertise",
					  "udp:127.0.0.1:5060 advertise a_b",
					  "udp:127.0.0.1:5060 as host"};
	struct settings s;
	struct buf why;

	settings_init(&s);
	buf_init(&why, 10000);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(settings_add_listen(&s, slice_str(bad[i]), &why), -1);
	CHECK_INT(s.n_listen, 0);
	buf_free(&why);
	settings_free(&s);
}

static void reads_aliases(void)
{
	struct settings s;
	struct buf why;

	settings_init(&s);
	buf_init(&why, 1000);
	CHECK_INT(settings_add_alias(&s, SLICE("example.org"), &why), 0);
	CHECK_INT(settings_add_alias(&s, SLICE("[2001:db8::1]:5070"), &why), 0);
	CHECK_SLICE(s.aliases[0].host, "example.org");
	CHECK_INT(s.aliases[0].port, 0);
	CHECK_SLICE(s.aliases[1].host, "[2001:db8::1]");
	CHECK_INT(s.aliases[1].port, 5070);
	CHECK_INT(settings_add_alias(&s, SLICE("example.org:70000"), &why), -1);
	CHECK_INT(settings_add_alias(&s, SLICE("a b"), &why), -1);
	CHECK_INT(settings_add_alias(&s, SLICE(""), &why), -1);
	buf_free(&why);
	settings_free(&s);
}

static void set(struct settings *s, const char *name, int64_t number)
{
	CHECK_INT(settings_set_number(s, settings_find(slice_str(name)), number, NULL), 0);
}

static void set_text(struct settings *s, const char *name, const char *text)
{
	CHECK_INT(settings_set_text(s, settings_find(slice_str(name)), slice_str(text), NULL), 0);
}

static void some_other_settings(struct settings *s)
{
	settings_init(s);
	CHECK_INT(settings_add_listen(s, SLICE("udp:127.0.0.1:5070 advertise a.example"), NULL), 0);
	CHECK_INT(settings_add_alias(s, SLICE("b.example:5080"), NULL), 0);
	set_text(s, "server", "another");
	set_text(s, "store", "sqlite:other");
	set_text(s, "log.level", "debug");
	set(s, "usrloc.db_mode", 3);
	set(s, "tm.max_transactions", 77);
	set(s, "tm.t1", 100);
}

static void a_copy_stands_alone(void)
{
	struct settings s, copy;

	some_other_settings(&s);
	settings_copy(&copy, &s);
	settings_free(&s);
	CHECK_INT(copy.n_listen, 1);
	CHECK_STR(copy.advertise[0], "a.example");
	CHECK_INT(copy.n_aliases, 1);
	CHECK_SLICE(copy.aliases[0].host, "b.example");
	CHECK_SLICE(copy.server, "another");
	CHECK_INT(copy.db_mode, 3);
	CHECK_INT(copy.max_transactions, 77);
	settings_free(&copy);
}

static void a_running_proxy_takes_what_need_not_wait(void)
{
	struct settings running, fresh;

	settings_init(&running);
	CHECK_INT(settings_add_listen(&running, SLICE("udp:127.0.0.1:5060"), NULL), 0);
	some_other_settings(&fresh);
	settings_take(&running, &fresh);
	settings_free(&fresh);
	CHECK_SLICE(running.server, "another");
	CHECK_SLICE(running.aliases[0].host, "b.example");
	CHECK_INT(running.log_level, LOG_DEBUG);
	CHECK_INT(running.max_transactions, 77);
	CHECK_INT(running.timers.t1_ms, 100);
	CHECK_SLICE(running.store, "memory:");
	CHECK_INT(running.db_mode, 1);
	CHECK_INT(running.listen[0].port, 5060);
	CHECK(running.advertise[0] == NULL);
	settings_free(&running);
}

static void what_waits_for_a_restart_is_named(void)
{
	struct settings running, fresh;
	struct buf names;

	settings_init(&running);
	some_other_settings(&fresh);
	buf_init(&names, 1000);
	settings_waiting(&running, &fresh, &names);
	CHECK_SLICE(buf_slice(&names), "listen, store, usrloc.db_mode");
	buf_reset(&names);
	settings_waiting(&fresh, &fresh, &names);
	CHECK_SLICE(buf_slice(&names), "");
	settings_free(&running);
	settings_copy(&running, &fresh);
	running.advertise[0] = NULL;
	settings_waiting(&running, &fresh, &names);
	CHECK_SLICE(buf_slice(&names), "listen");
	buf_free(&names);
	settings_free(&fresh);
	settings_free(&running);
}

static const char *nearest_of(const char *word)
{
	static const char *const known[] = {"request", "reply", "failure", "branch"};
	struct nearest n;

	nearest_init(&n, slice_str(word));
	for (unsigned i = 0; i < 4; i++)
		nearest_try(&n, slice_str(known[i]));
	return n.best.p ? n.best.p : "";
}

static void guesses_what_was_meant(void)
{
	CHECK_STR(nearest_of("requst"), "request");
	CHECK_STR(nearest_of("rqeuest"), "request");
	CHECK_STR(nearest_of("Reply"), "reply");
	CHECK_STR(nearest_of("onreply"), "reply");
	CHECK_STR(nearest_of("xyz"), "");
	CHECK_STR(nearest_of(""), "");
	CHECK_STR(nearest_of("a-word-that-is-far-too-long-to-be-a-misspelling-of-it"), "");
}

int main(void)
{
	TEST(has_the_defaults_of_its_table);
	TEST(each_default_is_a_value_it_takes);
	TEST(listens_where_it_is_told);
	TEST(refuses_listen_entries_that_are_none);
	TEST(reads_aliases);
	TEST(a_copy_stands_alone);
	TEST(a_running_proxy_takes_what_need_not_wait);
	TEST(what_waits_for_a_restart_is_named);
	TEST(guesses_what_was_meant);
	return tap_done();
}
