/*
 * session: what two phones do with each other, and a pool of them.
 *
 * A session is one REGISTER with its challenge, one call, one MESSAGE, …; it holds what both
 * sides have to remember.  Its Call-ID says which one of the pool it is: RUN INDEX GENERATION
 * in hex, so a message finds its session without a search, and one that comes late finds
 * none.
 */
#ifndef LOAD_SESSION_H
#define LOAD_SESSION_H

#include "text.h"

enum session_state {
	SESSION_FREE,
	SESSION_ASKED,  /* REGISTER or INVITE is out without credentials */
	SESSION_PROVEN, /* with them */
	SESSION_SINGLE, /* OPTIONS, MESSAGE, INFO */
	SESSION_ENDING, /* BYE */
	SESSION_IDLE,   /* a dialog stands */
};

enum { SESSION_BYTES = 2048, SESSION_TO = 160, SESSION_ROUTES = 640, SESSION_TARGET = 128 };

struct session {
	enum session_state state;
	uint32_t user, peer, generation;
	uint64_t begun_us;
	/* the caller's */
	uint32_t cseq, branch, ack_cseq;
	bool invite, provisional, retried, established, rang, ended;
	uint64_t sent_us;
	uint32_t interval_us;
	uint16_t request_n, ack_n, to_n, routes_n, target_n;
	/* the callee's */
	bool invited, answered, acked;
	uint64_t answered_us;
	uint32_t answer_interval_us;
	uint16_t answer_n;
	char to[SESSION_TO];         /* with the tag of the other side */
	char target[SESSION_TARGET]; /* the callee's contact, as it said */
	char routes[SESSION_ROUTES]; /* Route header fields */
	char request[SESSION_BYTES], ack[SESSION_BYTES], answer[SESSION_BYTES];
};

struct sessions {
	uint32_t run;     /* tells this run's Call-IDs from others' */
	unsigned n, used; /* used: those behind it never were */
	struct session *all;
	uint64_t *due_us, *answer_due_us; /* the next timers of each, UINT64_MAX: none */
	unsigned *free, *idle;
	unsigned free_n, idle_n;
};

enum { SESSION_ID = 22 };
#define SESSION_NEVER UINT64_MAX

/* Aborts without memory. */
void sessions_init(struct sessions *p, unsigned n, uint32_t run);
void sessions_fini(struct sessions *p);

unsigned session_index(const struct sessions *p, const struct session *s);
/* A free one, all blank, of a new generation; NULL when all are taken. */
struct session *session_take(struct sessions *p);
void session_give_back(struct sessions *p, struct session *s);
/* Dialogs that wait for something to do. */
void session_park(struct sessions *p, struct session *s);
struct session *session_unpark(struct sessions *p);

void session_put_id(const struct sessions *p, const struct session *s, struct text *t);
/* The session of a Call-ID or NULL; *ours tells whether it ever was one of this run. */
struct session *session_find(const struct sessions *p, struct span call_id, bool *ours);

#endif
