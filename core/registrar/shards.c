#include "registrar/shards.h"

enum { ASK_BYTES = 1024 };

/* A question on its way to the owner, and the answer on its way back. */
struct ask {
	struct letter letter;
	struct arena arena; /* holds this */
	struct asker asker;
	struct slice user, host;
	void *data;
	location_merge *merge; /* NULL: a lookup */
	void (*found)(void *data, enum store_error e, const struct location_view *view);
	void (*done)(void *data, enum store_error e, int verdict, const struct location_view *view);
	void (*answered)(struct location *asker);

	enum store_error error;
	int verdict;
	struct location_view view; /* in the arena */
};

/* On the asker's thread. */
static void open_answer(struct letter *l)
{
	struct ask *k = CONTAINER(l, struct ask, letter);
	struct location *asker = k->asker.shards->v[k->asker.from].location;
	void (*answered)(struct location * asker) = k->answered;
	struct arena arena = k->arena;
	if (k->merge)
		k->done(k->data, k->error, k->verdict, &k->view);
	else
		k->found(k->data, k->error, &k->view);
	arena_free(&arena);
	answered(asker);
}

/* On the owner's thread. */

static void copy_view(struct ask *k, const struct location_view *view)
{
	struct store_binding *rows = arena_alloc(&k->arena, (view->n + 1) * sizeof(*rows));
	const struct store_binding **order =
	    arena_alloc(&k->arena, (view->n + 1) * sizeof(struct store_binding *));
	for (unsigned i = 0; i < view->n; i++) {
		store_binding_copy(&k->arena, &rows[i], view->v[i]);
		order[i] = &rows[i];
	}
	k->view = (struct location_view){order, view->n, view->now_s};
}

static void answer(struct ask *k, enum store_error e, int verdict, const struct location_view *view)
{
	k->error = e;
	k->verdict = verdict;
	copy_view(k, view);
	k->letter.open = open_answer;
	crew_post(k->asker.shards->crew, k->asker.to, k->asker.from, &k->letter);
}

static void on_found(void *data, enum store_error e, const struct location_view *view)
{
	answer(data, e, 0, view);
}

static void on_done(void *data, enum store_error e, int verdict, const struct location_view *view)
{
	answer(data, e, verdict, view);
}

static int merge_for_asker(void *data, struct arena *a, const struct location_view *now,
			   struct location_change *change)
{
	const struct ask *k = data;
	return k->merge(k->data, a, now, change);
}

static void open_question(struct letter *l)
{
	struct ask *k = CONTAINER(l, struct ask, letter);
	struct location *owner = k->asker.shards->v[k->asker.to].location;
	const struct location_view nothing = {0};
	if (!owner)
		answer(k, STORE_UNAVAILABLE, 0, &nothing);
	else if (k->merge)
		location_change(owner, k->user, k->host, k, merge_for_asker, on_done);
	else
		location_lookup(owner, k->user, k->host, k, on_found);
}

/* On the asker's thread. */

static struct ask *ask_new(const struct asker *who, struct slice user, struct slice host,
			   void *data)
{
	struct arena arena;
	arena_init(&arena, ASK_BYTES);
	struct ask *k = arena_zalloc(&arena, sizeof(*k));
	k->letter.open = open_question;
	k->asker = *who;
	k->user = arena_dup(&arena, user);
	k->host = arena_dup(&arena, host);
	k->data = data;
	k->arena = arena;
	return k;
}

void shards_lookup(const struct asker *who, struct slice user, struct slice host, void *data,
		   void (*found)(void *data, enum store_error e, const struct location_view *view),
		   void (*answered)(struct location *asker))
{
	struct ask *k = ask_new(who, user, host, data);
	k->found = found;
	k->answered = answered;
	crew_post(who->shards->crew, who->from, who->to, &k->letter);
}

void shards_change(const struct asker *who, struct slice user, struct slice host, void *data,
		   location_merge *merge,
		   void (*done)(void *data, enum store_error e, int verdict,
				const struct location_view *view),
		   void (*answered)(struct location *asker))
{
	struct ask *k = ask_new(who, user, host, data);
	k->merge = merge;
	k->done = done;
	k->answered = answered;
	crew_post(who->shards->crew, who->from, who->to, &k->letter);
}
