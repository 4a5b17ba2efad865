/*
 * settings: what a script's `settings` table (and the command line, which wins)
 * says, checked and in C.  The table of names, types and ranges in settings.c
 * is the single source: reading, --help and doc/settings.md come from it.
 */
#ifndef SCRIPT_SETTINGS_H
#define SCRIPT_SETTINGS_H

#include "base/arena.h"
#include "base/crew.h"
#include "base/log.h"
#include "net/addr.h"
#include "proxy/proxy.h"
#include "registrar/auth.h"
#include "registrar/location.h"
#include "registrar/registrar.h"

enum { SETTINGS_MAX_LISTEN = 16, SETTINGS_MAX_PEERS = 64 };

/* Proxies that share our database, as their `socket` column says. */
struct settings_peers {
	struct addr v[SETTINGS_MAX_PEERS];
	unsigned n;
};

enum settings_colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct settings {
	struct arena arena; /* holds all texts */

	/* listen = { "udp:127.0.0.1:5060", … }, "udp:ADDR:PORT advertise HOST" */
	struct addr listen[SETTINGS_MAX_LISTEN];
	const char *advertise[SETTINGS_MAX_LISTEN]; /* NULL: the address */
	unsigned n_listen;

	struct proxy_alias *aliases; /* aliases = { "example.org", "example.org:5060" } */
	unsigned n_aliases;
	struct slice store;   /* URL; "memory:" by default */
	struct slice control; /* path of the control socket; empty: none */
	uint32_t workers;     /* threads that serve; 0: one for each processor */
	struct slice server;  /* value of the Server header field; empty: none */

	enum location_mode db_mode;         /* usrloc.db_mode */
	uint32_t timer_interval_s;          /* usrloc.timer_interval */
	bool location_use_domain;           /* usrloc.use_domain */
	uint32_t cache_ttl_s;               /* usrloc.cache_ttl */
	size_t cache_size;                  /* usrloc.cache_size */
	struct settings_peers peers;        /* usrloc.peers = { "udp:192.0.2.2:5060", … } */
	uint32_t db_timeout_ms;             /* db.timeout */
	uint32_t db_max_parked;             /* db.max_parked */
	struct registrar_options registrar; /* registrar.* */
	struct auth_options auth;           /* auth.* */
	struct slice auth_secret;           /* auth.secret; empty: kept in the store */
	enum log_level log_level;           /* log.level */
	enum settings_colour log_colour;    /* log.colour */
	struct slice trace;                 /* log.trace: a file; empty: none */
	size_t trace_max_bytes;             /* log.trace_max, in MiB */
	bool full_lr;                       /* rr.enable_full_lr */
	uint32_t dialog_max_age_s;          /* rr.dialog_max_age */
	struct txn_timers timers;           /* tm.t1, tm.t2, tm.t4, in ms */
	uint32_t timer_c_ms;                /* tm.timer_c, in s */
	uint32_t ring_max_ms;               /* tm.ring_max, in s */
	size_t max_transactions;            /* tm.max_transactions */
	size_t max_memory_bytes;            /* tm.max_memory, in MiB */
	uint32_t script_instructions;       /* script.instructions: per message */
	size_t script_memory_bytes;         /* script.memory, in MiB: of the Lua state */
	uint32_t script_generations;        /* script.generations: how many may live */
};

void settings_init(struct settings *s); /* all defaults */
void settings_free(struct settings *s);

enum setting_type {
	SETTING_BOOL,   /* bool */
	SETTING_NUMBER, /* uint32_t, written value times scale */
	SETTING_SIZE,   /* size_t, written value times scale */
	SETTING_CHOICE, /* an enum, by name: choices */
	SETTING_TEXT,   /* struct slice */
	SETTING_LIST,   /* a list of texts, each given to add */
};

/* What a setting is called, may be, and means. */
struct setting {
	const char *name; /* "usrloc.db_mode": a table and a key in it, or a key alone */
	enum setting_type type;
	size_t offset;     /* in struct settings */
	uint64_t min, max; /* as written; texts: bytes */
	uint64_t scale;
	uint64_t number;            /* the default, as written */
	const char *text;           /* the default of a text or choice */
	const char *const *choices; /* in the enum's order, NULL at the end */
	int (*add)(struct settings *s, struct slice text, struct buf *why);
	const char *unit;
	const char *doc;
	bool restart; /* a running proxy keeps the value it started with */
};

extern const struct setting settings_table[];
extern const unsigned settings_count;

const struct setting *settings_find(struct slice name);
/* A value for d; 0, or -1 with the reason (without the name).  Texts are copied. */
int settings_set_bool(struct settings *s, const struct setting *d, bool value, struct buf *why);
int settings_set_number(struct settings *s, const struct setting *d, int64_t value,
			struct buf *why);
int settings_set_text(struct settings *s, const struct setting *d, struct slice value,
		      struct buf *why);
/* Values that do not go together; name is the setting to blame.  0 or -1. */
int settings_check(const struct settings *s, const char **name, struct buf *why);
/* All settings with default and meaning, a line each: for --help and doc/. */
void settings_help(struct buf *out);

/* One listen entry as in -l, appended.  0, or -1 with the reason. */
int settings_add_listen(struct settings *s, struct slice text, struct buf *why);
/* One peer, "udp:ADDR:PORT", appended.  0, or -1 with the reason. */
int settings_add_peer(struct settings *s, struct slice text, struct buf *why);
/* One alias, "host" or "host:port", appended.  0, or -1 with the reason. */
int settings_add_alias(struct settings *s, struct slice text, struct buf *why);

#endif
