#include "script/settings.h"

#include "sip/lex.h"

#include <string.h>

static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const colours[] = {"auto", "always", "never", NULL};

#define MEMBER(m) .offset = offsetof(struct settings, m)
#define DAY_S 86400
#define YEAR_S 31536000

const struct setting settings_table[] = {
    {"listen", SETTING_LIST, .add = settings_add_listen,
     .doc = "where to listen: \"udp:ADDR:PORT\" or \"udp:ADDR:PORT advertise HOST\"",
     .restart = true},
    {"aliases", SETTING_LIST, .add = settings_add_alias,
     .doc = "names that are this proxy too: \"example.org\", \"example.org:5060\""},
    {"store", SETTING_TEXT, MEMBER(store), .min = 1, .max = 1024, .text = "memory:",
     .doc = "database: memory:, sqlite:PATH, mysql://user:password@host:port,…/database",
     .restart = true},
    {"control", SETTING_TEXT, MEMBER(control), .max = 100, .text = "",
     .doc = "path of the control socket (lunactl stats); empty: none", .restart = true},
    {"workers", SETTING_NUMBER, MEMBER(workers), 0, CREW_MAX, 1, 0,
     .doc = "threads that serve (-w); 0: one for each processor", .restart = true},
    {"server", SETTING_TEXT, MEMBER(server), .max = 200, .text = "lunasip",
     .doc = "value of the Server header field in own replies; empty: none"},

    {"usrloc.db_mode", SETTING_NUMBER, MEMBER(db_mode), 0, 3, 1, .number = 1,
     .doc = "0 memory only, 1 write-through, 2 write-back, 3 database only", .restart = true},
    {"usrloc.timer_interval", SETTING_NUMBER, MEMBER(timer_interval_s), 1, DAY_S, 1, 60,
     .unit = "s", .doc = "how often db_mode 2 writes and expired rows are removed"},
    {"usrloc.use_domain", SETTING_BOOL, MEMBER(location_use_domain),
     .doc = "an address-of-record is user@domain, not the user alone", .restart = true},
    {"usrloc.cache_ttl", SETTING_NUMBER, MEMBER(cache_ttl_s), 0, 3600, 1, .number = 0, .unit = "s",
     .doc =
	 "db_mode 1 with other writers: the table is asked again after so long; 0: there are none",
     .restart = true},
    {"usrloc.cache_size", SETTING_SIZE, MEMBER(cache_size), 1, 100000000, 1, 100000,
     .doc = "addresses-of-record that are kept meanwhile", .restart = true},
    {"usrloc.peers", SETTING_LIST, .add = settings_add_peer,
     .doc = "proxies of our database, \"udp:ADDR:PORT\": their phones are called through them"},

    {"db.timeout", SETTING_NUMBER, MEMBER(db_timeout_ms), 100, 30000, 1, 3000, .unit = "ms",
     .doc = "how long a request waits for the database; then 503"},
    {"db.max_parked", SETTING_NUMBER, MEMBER(db_max_parked), 1, 1000000, 1, 5000,
     .doc = "requests that wait for the database; beyond it 503 at once"},

    {"registrar.default_expires", SETTING_NUMBER, MEMBER(registrar.default_expires_s), 1, YEAR_S, 1,
     3600, .unit = "s", .doc = "when the phone asks for no time"},
    {"registrar.min_expires", SETTING_NUMBER, MEMBER(registrar.min_expires_s), 1, YEAR_S, 1, 60,
     .unit = "s", .doc = "shorter registrations are answered 423"},
    {"registrar.max_expires", SETTING_NUMBER, MEMBER(registrar.max_expires_s), 1, YEAR_S, 1, DAY_S,
     .unit = "s", .doc = "longer registrations are shortened"},
    {"registrar.max_contacts", SETTING_NUMBER, MEMBER(registrar.max_contacts), 1, 32, 1, 10,
     .doc = "bindings of one address-of-record"},
    {"registrar.replace_oldest", SETTING_BOOL, MEMBER(registrar.replace_oldest),
     .doc = "at max_contacts the oldest binding gives way; else 503"},
    {"registrar.path", SETTING_BOOL, MEMBER(registrar.path), .number = 1,
     .doc = "Path (RFC 3327) is kept and obeyed"},

    {"auth.nonce_expire", SETTING_NUMBER, MEMBER(auth.nonce_expire_s), 1, DAY_S, 1, 300,
     .unit = "s", .doc = "how long a nonce is good"},
    {"auth.use_domain", SETTING_BOOL, MEMBER(auth.use_domain),
     .doc = "the subscriber's domain must be the realm"},
    {"auth.calculate_ha1", SETTING_BOOL, MEMBER(auth.plain), .number = 1,
     .doc = "the plain password column may be used"},
    {"auth.secret", SETTING_TEXT, MEMBER(auth_secret), .min = 16, .max = 256, .text = "",
     .doc = "key of the nonces, equal in a fleet; empty: made once and kept in the store",
     .restart = true},
    {"auth.max_nonces", SETTING_SIZE, MEMBER(auth.max_nonces), 1000, 100000000, 1, 1000000,
     .doc = "nonces whose use is remembered"},
    {"auth.cache_size", SETTING_SIZE, MEMBER(auth.cache_size), 0, 100000000, 1, 100000,
     .doc = "subscribers whose rows are kept in memory; 0: none"},
    {"auth.cache_ttl", SETTING_NUMBER, MEMBER(auth.cache_ttl_s), 1, DAY_S, 1, 300, .unit = "s",
     .doc = "how long they are kept; a wrong password looks again at once"},

    {"log.level", SETTING_CHOICE, MEMBER(log_level), .text = "notice", .choices = levels,
     .doc = "the least important level that is logged"},
    {"log.colour", SETTING_CHOICE, MEMBER(log_colour), .text = "auto", .choices = colours,
     .doc = "colours of xlog; auto: when the log is a terminal"},
    {"log.trace", SETTING_TEXT, MEMBER(trace), .max = 1024, .text = "",
     .doc = "file that every message is recorded in (lunactl ladder); empty: none",
     .restart = true},
    {"log.trace_max", SETTING_SIZE, MEMBER(trace_max_bytes), 1, 1 << 20, 1 << 20, 64, .unit = "MiB",
     .doc = "the trace ends when its file is so long", .restart = true},

    {"rr.enable_full_lr", SETTING_BOOL, MEMBER(full_lr), .number = 1,
     .doc = "Record-Route says \";lr=on\", not \";lr\""},
    {"rr.dialog_max_age", SETTING_NUMBER, MEMBER(dialog_max_age_s), 0, YEAR_S, 1, DAY_S,
     .unit = "s", .doc = "how long our Record-Route proves a dialog (in_dialog); 0: for ever"},

    {"tm.t1", SETTING_NUMBER, MEMBER(timers.t1_ms), 10, 10000, 1, 500, .unit = "ms",
     .doc = "T1 of RFC 3261: round-trip time estimate"},
    {"tm.t2", SETTING_NUMBER, MEMBER(timers.t2_ms), 10, 60000, 1, 4000, .unit = "ms",
     .doc = "T2: longest interval of retransmissions"},
    {"tm.t4", SETTING_NUMBER, MEMBER(timers.t4_ms), 10, 60000, 1, 5000, .unit = "ms",
     .doc = "T4: how long a message stays in the network"},
    {"tm.timer_c", SETTING_NUMBER, MEMBER(timer_c_ms), 181, DAY_S, 1000, 185, .unit = "s",
     .doc = "Timer C: INVITE branches without a sign of life"},
    {"tm.ring_max", SETTING_NUMBER, MEMBER(ring_max_ms), 1, DAY_S, 1000, 600, .unit = "s",
     .doc = "the longest a call may ring"},
    {"tm.max_transactions", SETTING_SIZE, MEMBER(max_transactions), 10, 100000000, 1, 1000000,
     .doc = "beyond it new requests get 503"},
    {"tm.max_memory", SETTING_SIZE, MEMBER(max_memory_bytes), 1, 1 << 20, 1 << 20, 1024,
     .unit = "MiB", .doc = "likewise, what the messages of transactions take"},

    {"script.instructions", SETTING_NUMBER, MEMBER(script_instructions), 1000, 1000000000, 1,
     1000000, .doc = "Lua instructions a message may take"},
    {"script.memory", SETTING_SIZE, MEMBER(script_memory_bytes), 1, 65536, 1 << 20, 256,
     .unit = "MiB", .doc = "memory of the Lua state"},
    {"script.generations", SETTING_NUMBER, MEMBER(script_generations), 2, 1000, 1, 128,
     .doc = "how many versions of the script may live at once"},
};
const unsigned settings_count = sizeof(settings_table) / sizeof(*settings_table);

const struct setting *settings_find(struct slice name)
{
	for (unsigned i = 0; i < settings_count; i++)
		if (slice_eq(name, slice_str(settings_table[i].name)))
			return &settings_table[i];
	return NULL;
}

static void *member(struct settings *s, const struct setting *d)
{
	return (char *)s + d->offset;
}

static void put_number(struct settings *s, const struct setting *d, uint64_t value)
{
	if (d->type == SETTING_SIZE) {
		size_t v = (size_t)(value * d->scale);
		memcpy(member(s, d), &v, sizeof(v));
	} else {
		uint32_t v = (uint32_t)(value * d->scale);
		memcpy(member(s, d), &v, sizeof(v));
	}
}

static int choice_of(const struct setting *d, struct slice text)
{
	for (int i = 0; d->choices[i]; i++)
		if (slice_ieq(text, slice_str(d->choices[i])))
			return i;
	return -1;
}

_Static_assert(sizeof(enum location_mode) == sizeof(uint32_t), "numbers are written as uint32_t");
_Static_assert(sizeof(enum log_level) == sizeof(uint32_t), "choices are written as uint32_t");

static void set_default(struct settings *s, const struct setting *d)
{
	bool on = d->number != 0;
	struct slice text = slice_str(d->text);

	switch (d->type) {
	case SETTING_BOOL:
		memcpy(member(s, d), &on, sizeof(on));
		break;
	case SETTING_NUMBER:
	case SETTING_SIZE:
		put_number(s, d, d->number);
		break;
	case SETTING_CHOICE: {
		uint32_t v = (uint32_t)choice_of(d, text);
		memcpy(member(s, d), &v, sizeof(v));
		break;
	}
	case SETTING_TEXT:
		memcpy(member(s, d), &text, sizeof(text));
		break;
	case SETTING_LIST:
		break;
	}
}

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	arena_init(&s->arena, 1024);
	for (unsigned i = 0; i < settings_count; i++)
		set_default(s, &settings_table[i]);
}

void settings_free(struct settings *s)
{
	arena_free(&s->arena);
}

static int refuse_type(const struct setting *d, struct buf *why)
{
	static const char *const wanted[] = {
	    [SETTING_BOOL] = "true or false", [SETTING_NUMBER] = "a number",
	    [SETTING_SIZE] = "a number",      [SETTING_CHOICE] = "a string",
	    [SETTING_TEXT] = "a string",      [SETTING_LIST] = "a list of strings",
	};
	buf_printf(why, "must be %s", wanted[d->type]);
	return -1;
}

int settings_set_bool(struct settings *s, const struct setting *d, bool value, struct buf *why)
{
	if (d->type != SETTING_BOOL)
		return refuse_type(d, why);
	memcpy(member(s, d), &value, sizeof(value));
	return 0;
}

int settings_set_number(struct settings *s, const struct setting *d, int64_t value, struct buf *why)
{
	if (d->type != SETTING_NUMBER && d->type != SETTING_SIZE)
		return refuse_type(d, why);
	if (value < 0 || (uint64_t)value < d->min || (uint64_t)value > d->max) {
		buf_printf(why, "must be between %llu and %llu%s%s, not %lld",
			   (unsigned long long)d->min, (unsigned long long)d->max,
			   d->unit ? " " : "", d->unit ? d->unit : "", (long long)value);
		return -1;
	}
	put_number(s, d, (uint64_t)value);
	return 0;
}

static int set_choice(struct settings *s, const struct setting *d, struct slice value,
		      struct buf *why)
{
	int i = choice_of(d, value);

	if (i < 0) {
		buf_puts(why, "must be one of");
		for (i = 0; d->choices[i]; i++)
			buf_printf(why, "%s '%s'", i ? "," : "", d->choices[i]);
		return -1;
	}
	uint32_t v = (uint32_t)i;
	memcpy(member(s, d), &v, sizeof(v));
	return 0;
}

static bool printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

int settings_set_text(struct settings *s, const struct setting *d, struct slice value,
		      struct buf *why)
{
	if (d->type == SETTING_CHOICE)
		return set_choice(s, d, value, why);
	if (d->type != SETTING_TEXT)
		return refuse_type(d, why);
	if (value.n < d->min || value.n > d->max) {
		buf_printf(why, "must have %llu to %llu characters, not %zu",
			   (unsigned long long)d->min, (unsigned long long)d->max, value.n);
		return -1;
	}
	if (!printable(value)) {
		buf_puts(why, "must not hold control characters");
		return -1;
	}
	struct slice copy = arena_dup(&s->arena, value);
	memcpy(member(s, d), &copy, sizeof(copy));
	return 0;
}

int settings_check(const struct settings *s, const char **name, struct buf *why)
{
	const struct registrar_options *r = &s->registrar;

	if (r->min_expires_s > r->max_expires_s) {
		*name = "registrar.min_expires";
		buf_printf(why, "must not be greater than max_expires (%u)", r->max_expires_s);
		return -1;
	}
	if (r->default_expires_s < r->min_expires_s || r->default_expires_s > r->max_expires_s) {
		*name = "registrar.default_expires";
		buf_printf(why, "must be between min_expires (%u) and max_expires (%u)",
			   r->min_expires_s, r->max_expires_s);
		return -1;
	}
	if (s->cache_ttl_s > 0 && s->db_mode != LOCATION_WRITE_THROUGH) {
		*name = "usrloc.cache_ttl";
		buf_printf(why, "is for db_mode 1, not %d", (int)s->db_mode);
		return -1;
	}
	if (s->timers.t2_ms < s->timers.t1_ms) {
		*name = "tm.t2";
		buf_printf(why, "must not be less than t1 (%u)", s->timers.t1_ms);
		return -1;
	}
	return 0;
}

static bool is_host(struct slice s)
{
	struct addr a;

	if (addr_parse(&a, s, 0) == 0)
		return true;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !lex_is_digit(c) && c != '-' && c != '.')
			return false;
	}
	return s.n > 0 && s.n <= 255;
}

/* Takes " advertise HOST" from the end of text. */
static int advertise_parse(struct slice *text, struct slice *advertise)
{
	struct slice word = SLICE("advertise ");
	const char *blank = slice_chr(*text, ' ');

	*advertise = SLICE("");
	if (!blank)
		return 0;
	struct slice rest = slice_trim(slice_range(blank, slice_end(*text)));
	*text = slice_range(text->p, blank);
	if (!slice_starts(rest, word))
		return -1;
	*advertise = slice_trim(slice_range(rest.p + word.n, slice_end(rest)));
	return is_host(*advertise) ? 0 : -1;
}

/* What is wrong with "ADDR:PORT", which could not be read. */
static const char *address_fault(struct slice text)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	struct addr a;
	uint32_t port;

	if (!colon || (text.p[0] == '[' && slice_end(text)[-1] == ']'))
		return "it has no port";
	if (text.p[0] != '[' && memchr(text.p, ':', (size_t)(colon - text.p)))
		return "an IPv6 address stands in brackets";
	if (slice_u32(slice_range(colon + 1, slice_end(text)), &port) < 0 || port > UINT16_MAX)
		return "a port is a number from 0 to 65535";
	if (addr_parse(&a, slice_range(text.p, colon), 0) < 0)
		return "ADDR is an IP address, no name";
	return "it must be udp:ADDR:PORT";
}

/* "udp:ADDR:PORT" or "udp:ADDR:PORT advertise HOST": NULL, or what is wrong with it. */
static const char *listen_parse(struct slice text, struct addr *addr, struct slice *advertise)
{
	if (advertise_parse(&text, advertise) < 0)
		return "behind the address there may be only: advertise HOST";
	if (!slice_istarts(text, SLICE("udp:")))
		return slice_chr(text, ':') ? "only udp is spoken (udp:ADDR:PORT)"
					    : "it must be udp:ADDR:PORT";
	text = slice_range(text.p + 4, slice_end(text));
	return addr_parse_port(addr, text) == 0 ? NULL : address_fault(text);
}

int settings_add_listen(struct settings *s, struct slice text, struct buf *why)
{
	struct addr addr;
	struct slice advertise;

	const char *fault = listen_parse(slice_trim(text), &addr, &advertise);
	if (fault) {
		buf_printf(why, "cannot listen on '%.*s': %s", SLICE_ARG(text), fault);
		return -1;
	}
	if (s->n_listen == SETTINGS_MAX_LISTEN) {
		buf_printf(why, "more than %d addresses", SETTINGS_MAX_LISTEN);
		return -1;
	}
	s->listen[s->n_listen] = addr;
	s->advertise[s->n_listen] = advertise.n ? arena_strz(&s->arena, advertise) : NULL;
	s->n_listen++;
	return 0;
}

/* Splits "host:port" and "[v6]:port"; without a port it is 0. */
static int alias_parse(struct slice text, struct proxy_alias *alias)
{
	const char *bracket = slice_chr(text, ']');
	struct slice tail = bracket ? slice_range(bracket, slice_end(text)) : text;
	const char *colon = slice_chr(tail, ':');
	uint32_t port = 0;

	alias->host = colon ? slice_range(text.p, colon) : text;
	if (colon && slice_u32(slice_range(colon + 1, slice_end(text)), &port))
		return -1;
	if (!is_host(alias->host) || port > 65535 || (colon && port == 0))
		return -1;
	alias->port = (uint16_t)port;
	return 0;
}

int settings_add_peer(struct settings *s, struct slice text, struct buf *why)
{
	struct slice udp = SLICE("udp:");
	struct addr a;

	if (s->peers.n == SETTINGS_MAX_PEERS) {
		buf_printf(why, "more than %d peers", SETTINGS_MAX_PEERS);
		return -1;
	}
	text = slice_trim(text);
	if (!slice_istarts(text, udp) ||
	    addr_parse_port(&a, slice_range(text.p + udp.n, slice_end(text))) < 0 || a.port == 0) {
		buf_printf(why, "'%.*s' is not udp:ADDR:PORT", SLICE_ARG(text));
		return -1;
	}
	s->peers.v[s->peers.n++] = a;
	return 0;
}

int settings_add_alias(struct settings *s, struct slice text, struct buf *why)
{
	enum { MAX_ALIASES = 1000 };
	struct proxy_alias alias;

	if (s->n_aliases == MAX_ALIASES) {
		buf_printf(why, "more than %d aliases", MAX_ALIASES);
		return -1;
	}
	if (alias_parse(slice_trim(text), &alias)) {
		buf_printf(why, "'%.*s' is not host or host:port", SLICE_ARG(text));
		return -1;
	}
	struct proxy_alias *v = arena_alloc(&s->arena, (s->n_aliases + 1) * sizeof(*v));
	if (s->n_aliases)
		memcpy(v, s->aliases, s->n_aliases * sizeof(*v));
	alias.host = arena_dup(&s->arena, alias.host);
	v[s->n_aliases++] = alias;
	s->aliases = v;
	return 0;
}

static void help_default(const struct setting *d, struct buf *out)
{
	switch (d->type) {
	case SETTING_BOOL:
		buf_puts(out, d->number ? "true" : "false");
		break;
	case SETTING_NUMBER:
	case SETTING_SIZE:
		buf_u64(out, d->number);
		break;
	case SETTING_CHOICE:
	case SETTING_TEXT:
		buf_printf(out, "\"%s\"", d->text);
		break;
	case SETTING_LIST:
		buf_puts(out, "{}");
		break;
	}
	if (d->unit)
		buf_printf(out, " %s", d->unit);
}

void settings_help(struct buf *out)
{
	for (unsigned i = 0; i < settings_count; i++) {
		const struct setting *d = &settings_table[i];
		size_t begin = out->n;
		buf_printf(out, "  %-26s ", d->name);
		help_default(d, out);
		while (out->n < begin + 43 && !out->failed)
			buf_putc(out, ' ');
		buf_printf(out, " %s%s\n", d->doc, d->restart ? " (restart)" : "");
	}
}
