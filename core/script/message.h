/*
 * message: what a script knows of a request from its arrival until its last
 * transaction is gone, and the generation of the script it belongs to.
 *
 * Lua holds handles: a pointer and a serial number.  Messages are used again
 * but never freed while the state lives, so a stale handle is always noticed.
 */
#ifndef SCRIPT_MESSAGE_H
#define SCRIPT_MESSAGE_H

#include "script/object.h"
#include "script/run.h"
#include "script/script.h"

/* One generation. */
struct script {
	struct state state;
	char *name;            /* as given to script_load; owned */
	struct source *source; /* while it is loaded */
	struct settings settings;
	struct log *log;
	const struct script_host *host;    /* NULL: not attached */
	struct env *env;                   /* of the host, or of a virtual world; NULL: neither */
	int handlers[HANDLER_COUNT];       /* references, LUA_NOREF: none */
	const void *objects[OBJECT_KINDS]; /* their metatables (script/object) */
	struct run *current;
	struct list runs;          /* all of them */
	struct list idle_runs;     /* of run.node */
	struct list idle_messages; /* of message.node */
	uint64_t next_id;

	/* What generations know of it. */
	struct list generation;
	unsigned number;
	uint64_t born_ms, retired_ms;
	bool retired, warned;

	struct script_counters counters;
};

struct message {
	struct list node;
	struct script *script;
	struct context *context;
	uint64_t serial; /* grows when the message ends */
	uint64_t id;     /* $mi */
	int vars;        /* reference of the table, LUA_NOREF: not made yet */
	uint32_t flags;
	/* t_on_reply and the like: a reference, LUA_NOREF: the script's own
	 * handler, LUA_REFNIL: none. */
	int handlers[HANDLER_COUNT];
	struct refusal refusal;       /* the last one: how sl_reply_error answers … */
	struct slice refusal_headers; /* … with these lines, or empty */

	/* Of the last www_authorize or proxy_authorize. */
	enum auth_result auth;
	bool authorized;
	struct auth_identity identity;
};

/* Something of s has ended: tells the host when it was the last of a retired one. */
void script_rest(const struct script *s);

struct message *message_new(struct script *s, struct context *c);
void message_end(struct message *m);
void message_free_all(struct script *s);

/* The reference of the handler that is in force, or LUA_NOREF. */
int message_handler(const struct message *m, enum handler kind);
/* Sets what the proxy is to call for this message. */
void message_arm(struct message *m);
/* Remembers why the last primitive refused. */
void message_refuse(struct message *m, unsigned status, const char *reason);

/* The same, because the store gave no answer: 503 with Retry-After. */
void message_refuse_busy(struct message *m);

/* Text for the log that names the message: "INVITE 1@host". */
void message_name(const struct message *m, struct buf *out);

#endif
