/*
 * credentials: the rows of subscribers, asked of the store once in a while.
 *
 * What was read is kept for ttl_s, the least used given up when there are
 * `size` of them; that a user is unknown is kept too, for a moment, and never
 * takes the place of one who is known.  Who asks for the same user at the same
 * time shares one question.  In a crew, what one reads all know: whoever of
 * them gets the next request need not ask.
 */
#ifndef REGISTRAR_CREDENTIALS_H
#define REGISTRAR_CREDENTIALS_H

#include "base/crew.h"
#include "base/env.h"
#include "store/store.h"

struct credentials_options {
	size_t size; /* users; 0: nothing is kept */
	uint32_t ttl_s;
};

struct credentials;

struct credentials *credentials_new(struct env *env, struct store *store,
				    const struct credentials_options *o);
/* Nobody may be waiting. */
void credentials_free(struct credentials *c);

struct credentials_crew {
	const struct crew *crew;
	struct credentials **v; /* [crew->n], each for its own thread's eyes; NULL: not there */
};
/* From now on c is that member of a crew that outlives it. */
void credentials_join(struct credentials *c, const struct credentials_crew *crew, unsigned own);

void credentials_set_options(struct credentials *c, const struct credentials_options *o);

struct credentials_rows {
	const struct store_subscriber *v;
	unsigned n; /* 0: there is no such user */
};

/*
 * What is kept of a user, valid until the next call; false: nothing.  worn: it
 * was read long enough ago for a refusal to ask again: a password may have
 * changed, but nobody who guesses shall make us ask all the time.
 */
bool credentials_find(struct credentials *c, struct slice table, struct slice user,
		      struct credentials_rows *rows, bool *worn);

/* Embedded by who waits; found is called once, maybe before ask returns. */
struct credentials_waiter {
	struct list node;
	void (*found)(struct credentials_waiter *w, enum store_error e,
		      const struct credentials_rows *rows);
};
/* Asks the store. */
void credentials_ask(struct credentials *c, struct slice table, struct slice user,
		     struct credentials_waiter *w);

/* Of all tables; what is being read now will not be kept. */
void credentials_forget(struct credentials *c, struct slice user);
void credentials_forget_all(struct credentials *c);

struct credentials_counters {
	uint64_t hits;
	uint64_t asked;   /* questions to the store */
	uint64_t joined;  /* who shared one */
	uint64_t users;   /* kept now … */
	uint64_t unknown; /* … and those known not to be there */
};
void credentials_count(const struct credentials *c, struct credentials_counters *out);

#endif
