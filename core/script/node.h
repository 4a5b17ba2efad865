/*
 * node: one worker's SIP, wired together: everything that stands between a net
 * and a store.  The daemon makes one for its loop, the test kit one for its
 * virtual world, so that both run the same proxy.
 */
#ifndef SCRIPT_NODE_H
#define SCRIPT_NODE_H

#include "registrar/credentials.h"
#include "registrar/shards.h"
#include "script/generations.h"
#include "transport/dispatch.h"

/* Nodes on threads of their own that are one proxy together. */
struct node_crew {
	struct crew crew;
	struct dispatch *dispatches; /* [crew.n] */
	struct shards location;
	struct shards aliases;
	struct credentials_crew credentials;
};

/* mates: [n], borrowed. */
void node_crew_init(struct node_crew *c, unsigned n, struct mate *mates, struct rand *rand);
/* All nodes are freed. */
void node_crew_free(struct node_crew *c);

struct node {
	struct env *env;
	const struct node_crew *crew; /* NULL: alone */
	unsigned number;              /* in it */
	struct patience patience;     /* in front of the store that was given … */
	struct store *store;          /* … and the store of all */
	struct settings settings;     /* in force: the node's own */
	struct transport transport;
	struct proxy proxy;
	struct auth *auth;
	struct location *location;
	struct location *aliases;
	struct registrar_options registrar;
	struct generations scripts;
	struct script_host host; /* the daemon sets host.pid after node_init() */

	/* Of the start and stop that are going on. */
	unsigned pending;
	struct buf why;
	void *data;
	void (*started)(void *data, struct node *n, struct slice error);
	void (*stopped)(void *data, struct node *n);
};

/* Is it one that save() and lookup() know? */
bool node_has_table(struct slice table);

/*
 * Wires n.  Takes script, copies settings; all else is borrowed and outlives n.
 * crew: NULL, or the one in which n has that number: all its nodes are wired
 * before the first of them starts.  Limits in the settings are for all of them.  The net has its
 * sockets already and is listened to from here on.  Whoever sends before `started` is answered from
 * an empty location table.
 */
void node_init(struct node *n, struct env *env, struct net *net, struct store *store,
	       const struct settings *settings, struct script *script, const struct node_crew *crew,
	       unsigned number);
/* Reads secret and location tables from the store.  started is called once,
 * maybe before this returns; error is empty, or a sentence for the operator. */
void node_start(struct node *n, void *data,
		void (*started)(void *data, struct node *n, struct slice error));
/*
 * Another script serves from the next message on; called between two of them.
 * What is under way goes on with the script it began with.  Takes script; of
 * settings what need not wait for a restart is in force at once.  It cannot
 * fail: all that can be wrong has been asked before, room too
 * (generations_have_room).
 */
void node_take_over(struct node *n, struct script *script, const struct settings *settings);
/* Writes what is left of the location (db_mode 2). stopped is called once; node_free() may follow.
 */
void node_stop(struct node *n, void *data, void (*stopped)(void *data, struct node *n));
/* Ends all transactions without a word, and the scripts.  No store operation may be under way. */
void node_free(struct node *n);

#endif
