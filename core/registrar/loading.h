/*
 * loading: reads a table at the start, page by page, while the proxy serves.
 *
 * As long as it is `on`, memory does not hold all rows, so whoever wants to
 * know asks the store.  What a change has written meanwhile (loading_touch) is
 * newer than the row that a page, read before it, may still bring.
 *
 * Where several threads share the table, the first one reads, and passes each
 * page on to the others, who take the rows they own.
 */
#ifndef REGISTRAR_LOADING_H
#define REGISTRAR_LOADING_H

#include "registrar/aor.h"
#include "registrar/shards.h"

struct loading {
	struct env *env;
	struct store *store;
	struct aors *aors; /* where rows go */
	struct slice table;
	bool aliases;
	bool use_domain;
	bool whole;                  /* done waits for the last page */
	const struct shards *shards; /* NULL: it is alone */
	unsigned own;

	bool on;
	bool stopped;
	size_t rows;
	uint64_t last_id;
	uint64_t began_ms;
	uint64_t told_ms;
	struct timer retry;
	struct hash touched; /* ruids */

	/* NULL when it has been called. */
	void (*done)(void *data, enum store_error e, struct slice message, size_t rows);
	void *data;
	void (*ended)(void *owner); /* the last call: nothing is under way */
	void *owner;
};

/* The first fields are the caller's to set, before it starts. */
void loading_init(struct loading *k);
/* It is not under way. */
void loading_free(struct loading *k);
/*
 * done is called once, after the first page: with an error the start must
 * report, or with the rows read so far.  What is left is read meanwhile; when
 * the store fails, again and again, until it is there.
 */
void loading_start(struct loading *k);
/* No further page; ended comes soon. */
void loading_stop(struct loading *k);
/* The store was told what memory is told now. */
void loading_touch(struct loading *k, struct slice ruid);

#endif
