#include "app/unbind.h"

#include <stdlib.h>

struct unbind {
	struct question *question;
	struct arena arena;
	struct slice contact; /* null: all */
	unsigned removed;
};

static void say_removed(struct question *q, unsigned n)
{
	struct buf out;
	buf_init(&out, 256);
	buf_printf(&out, "ok %u\n", n);
	question_answer(q, buf_slice(&out));
	buf_free(&out);
}

static int remove_all(void *data, struct arena *a, const struct location_view *now,
		      struct location_change *change)
{
	struct unbind *u = data;
	change->removes = arena_alloc(a, (now->n + 1) * sizeof(*change->removes));
	for (unsigned i = 0; i < now->n; i++)
		if (!u->contact.p || slice_eq(now->v[i]->contact, u->contact))
			change->removes[change->n_removes++] = now->v[i]->ruid;
	u->removed = change->n_removes;
	return 0;
}

static void on_removed(void *data, enum store_error e, int verdict,
		       const struct location_view *view)
{
	struct unbind *u = data;
	(void)verdict;
	(void)view;
	if (e)
		question_answer(u->question, SLICE("error the database gave no answer\n"));
	else
		say_removed(u->question, u->removed);
	arena_free(&u->arena);
	free(u);
}

/* The first word of *rest, which moves behind it; null at the end. */
static struct slice next_word(struct slice *rest)
{
	struct slice text = slice_trim(*rest);
	const char *blank = slice_chr(text, ' ');
	const char *end = blank ? blank : slice_end(text);
	*rest = slice_range(end, slice_end(text));
	return text.n ? slice_range(text.p, end) : SLICE_NULL;
}

static void start(struct location *l, struct slice aor, struct slice contact, struct question *q)
{
	struct unbind *u = mem_zalloc(sizeof(*u));
	arena_init(&u->arena, 1024);
	u->question = q;
	u->contact = contact.p ? arena_dup(&u->arena, contact) : SLICE_NULL;
	const char *at = slice_chr(aor, '@');
	struct slice user = at ? slice_range(aor.p, at) : aor;
	struct slice host = at ? slice_range(at + 1, slice_end(aor)) : SLICE("");
	location_change(l, user, host, u, remove_all, on_removed);
}

bool unbind_request(struct node *n, struct slice line, struct question *q)
{
	if (!slice_eq(next_word(&line), SLICE("unbind")))
		return false;
	struct slice table = next_word(&line), aor = next_word(&line), contact = next_word(&line);
	struct location *l = table.p ? n->host.location(n->host.data, table) : NULL;
	if (!l)
		question_answer(q, SLICE("error there is no such table of bindings\n"));
	else if (!aor.n)
		question_answer(q, SLICE("error whose bindings?\n"));
	else
		start(l, aor, contact, q);
	return true;
}
