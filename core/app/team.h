/*
 * team: the workers of a daemon.  The first turns on the caller's loop, each of
 * the others on a thread of its own.  Whoever wants something of all of them
 * sends a round.
 *
 * Life: team_open, team_start (messages are served from its return on), uv_run,
 * team_stop, uv_run until stopped is called, team_close.
 */
#ifndef APP_TEAM_H
#define APP_TEAM_H

#include "app/worker.h"

struct team;
struct round;

struct team_options {
	unsigned n; /* 1 to CREW_MAX */
	uv_loop_t *loop;
	struct log *log;
	struct database *database;
	const struct settings *settings;
};

/*
 * Opens n workers.  Of scripts those are set to NULL that were taken, one for
 * each.  0, or -1 with a sentence in why; team_stop() and team_close() must
 * follow either way.
 */
int team_open(struct team **out, const struct team_options *o, struct script **scripts,
	      struct buf *why);
/* Turns the loop until the locations are loaded.  0, or -1 with a sentence in why. */
int team_start(struct team *t, struct buf *why);
/* Waits for what is under way and writes what is left, then calls stopped, once, from the loop. */
void team_stop(struct team *t, void (*stopped)(void *data), void *data);
/* The last handles close with the next turns of the loop. */
void team_close(struct team *t);

unsigned team_size(const struct team *t);
/* The one on the caller's loop. */
struct worker *team_first(struct team *t);
/* One more generation of the script may live in all of them; false: a sentence in why. */
bool team_has_room(struct team *t, struct buf *why);
/* One more is on its way to each. */
void team_expect_scripts(struct team *t);

/* A round as one worker sees it: on its thread, between two messages. */
struct errand {
	struct letter letter;
	struct round *round;
	struct worker *worker;
	void *data; /* the round's */
};
void errand_end(void *errand);

/*
 * visit is called once for each worker, on its thread, and sees to it that
 * errand_end(e) is called there, now or later.  When all have come home done is
 * called on the team's loop; it may be NULL.
 */
void team_round(struct team *t, void (*visit)(struct errand *e), void (*done)(void *data),
		void *data);

#endif
