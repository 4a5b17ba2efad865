/*
 * script: a routing script in a Lua 5.4 state: one generation of it.
 *
 * Loading compiles the file, runs its top level, checks handlers and settings,
 * and touches nothing outside; so a new generation can be made, and thrown
 * away, while the old one serves.  A message's route is a coroutine of its own:
 * a primitive that waits parks it, and only it.
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "proxy/proxy.h"
#include "registrar/auth.h"
#include "registrar/location.h"
#include "script/settings.h"
#include "script/source.h"
#include "store/patience.h"

#include <stdatomic.h>

struct coverage;
struct script;

/* A world whose clock and chance are the script's from its first line on, so that a run can be
 * repeated (script/repeatable); what lines it walks is told to coverage, if not NULL.  Borrowed. */
struct script_virtual {
	struct env *env;
	struct coverage *coverage;
};

/* What the primitives act on.  Borrowed; outlives the script. */
struct script_host {
	struct env *env;
	struct proxy *proxy;
	struct auth *auth;
	struct registrar_options *registrar;
	const struct settings_peers *peers;
	struct patience *patience; /* in front of the store, with who is parked; or NULL */
	/* The location of a table name ("location", "aliases"), or NULL. */
	struct location *(*location)(void *data, struct slice table);
	/* The last that a script which was retired had under way has ended. */
	void (*idle)(void *data);
	void *data;
	long pid;                 /* $pp; 0 in a virtual world */
	unsigned worker, workers; /* the number of this one, and how many there are */
};

/* How a script is loaded.  All is borrowed; log outlives the script. */
struct script_loading {
	struct log *log;
	/* NULL: clock and chance are the machine's, until script_attach(). */
	const struct script_virtual *virtual;
	struct source *source;   /* its files are read through it; NULL: one of its own */
	const atomic_bool *stop; /* true ends the load; or NULL */
};

/*
 * Loads path.  0, or -1 with "FILE:LINE: reason" in why: syntax, an error or
 * an endless loop at top level, no table returned, an unknown or misspelt
 * handler or setting, a value of the wrong type or out of range.  Any thread
 * will do; the script may go to another one then.
 */
int script_load(struct script **out, const char *path, const struct script_loading *how,
		struct buf *why);
/* The same from text; name stands for the path: its folder is where the script's modules are. */
int script_load_text(struct script **out, const char *name, struct slice text,
		     const struct script_loading *how, struct buf *why);
const struct settings *script_settings(const struct script *s);
/* From now on script_request() may be called. */
void script_attach(struct script *s, const struct script_host *host);
/* No new message comes; host->idle is called when it has nothing under way any more, maybe from
 * inside of what was the last. */
void script_retire(struct script *s);
bool script_is_idle(const struct script *s);
/* Away from its host: script_free() may be called on any thread. */
void script_detach(struct script *s);
/* It is idle, or all it waits for is gone. */
void script_free(struct script *s);

/* For proxy_init: data is the script. */
struct proxy_user script_proxy_user(struct script *s);

struct script_counters {
	uint64_t messages;   /* coroutines started */
	uint64_t errors;     /* answered 500 (or dropped, ACK) */
	unsigned coroutines; /* alive now: running or parked */
	unsigned parked;
	unsigned alive;      /* messages that still belong to this generation */
	size_t memory_bytes; /* of the Lua state */
};
void script_count(const struct script *s, struct script_counters *c);

#endif
