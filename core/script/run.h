/*
 * run: one handler of a script at work on one message: a coroutine.
 *
 * A run ends, fails, or parks: then it waits for one answer (the store, the
 * resolver) and goes on when that comes.  Coroutines are used again and again.
 */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include "proxy/proxy.h"
#include "registrar/auth.h"
#include "registrar/registrar.h"
#include "script/state.h"

struct message;
struct run;

enum handler {
	HANDLER_REQUEST,
	HANDLER_REPLY,
	HANDLER_FAILURE,
	HANDLER_BRANCH,
	HANDLER_COUNT,
};
extern const char *const handler_names[HANDLER_COUNT];

struct run_job {
	enum handler kind;
	int function; /* reference of the handler */
	struct message *message;
	struct branch *branch;  /* reply and branch handlers */
	struct received *reply; /* reply handlers */
	struct edits *edits;    /* what append_hf and remove_hf change */
	unsigned edits_before;  /* how many there were */
	bool *keep;             /* branch handlers: what they decide */
	/* Called once when the run has ended; the run is used again after it. */
	void (*done)(struct run *r, bool failed);
};

enum run_wait {
	WAIT_NONE,
	WAIT_STARTED, /* asked, no answer yet */
	WAIT_PARKED,  /* asked, and the coroutine has yielded */
	WAIT_READY,   /* the answer is there */
};

struct run {
	struct list node; /* of the idle ones */
	struct list all;
	struct script *script;
	lua_State *co;
	int ref;           /* of co */
	struct run *outer; /* which ran when this one was entered */
	uint64_t serial;   /* grows with each job: handles of earlier ones are stale */
	uint64_t budget;   /* instructions left */
	struct run_job job;
	const void *object;      /* the userdata that the handler was called with; co holds it */
	uint64_t message_serial; /* of job.message when the run began */
	bool denied;             /* the handler returned false */
	bool unlimited;          /* co can be stopped no more: it is not used again */
	bool on_store;           /* what it waits for may need the store */
	enum run_wait wait;
	lua_KFunction k; /* of the primitive that it waits in */

	/* The answer it waits for. */
	struct refusal refusal;         /* relay */
	enum auth_result auth;          /* authorize */
	struct auth_identity identity;  /* authorize */
	struct registrar_answer answer; /* save */
	enum store_error error;         /* lookup */
	unsigned found;                 /* lookup: bindings */
	struct store_op *query;         /* db.query */
};

/* Starts a handler.  0: done has been or will be called; -1: it could not even start (logged). */
int run_start(struct script *s, const struct run_job *job);
void run_free_all(struct script *s);

/* The message has not ended while the run was parked. */
bool run_message_alive(const struct run *r);

/*
 * For primitives that may wait: the run that L executes.  Raises when it must
 * not wait: in reply and branch handlers, in coroutines of the script's own.
 */
struct run *run_begin_wait(lua_State *L, struct message *m, const char *primitive);
/* The same, where the answer may have to come from the store. */
struct run *run_begin_store_wait(lua_State *L, struct message *m, const char *primitive);
/* The message that the handler on L works on; raises where there is none. */
struct message *run_message(lua_State *L, const char *primitive);
/* The answer is in the run: goes on with it when it is parked. */
void run_wake(struct run *r);
/* Ends a primitive that waits: k at once when the answer is there, else yields to k.  k gets the
 * run as its context. */
int run_wait(lua_State *L, struct run *r, lua_KFunction k);

#endif
