#include "session.h"

#include <stdio.h>
#include <stdlib.h>

static void *array(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		fputs("load: out of memory\n", stderr);
		abort();
	}
	return p;
}

void sessions_init(struct sessions *p, unsigned n, uint32_t run)
{
	*p = (struct sessions){.run = run, .n = n};
	p->all = array(n, sizeof(*p->all));
	p->due_us = array(n, sizeof(*p->due_us));
	p->answer_due_us = array(n, sizeof(*p->answer_due_us));
	p->free = array(n, sizeof(*p->free));
	p->idle = array(n, sizeof(*p->idle));
	for (unsigned i = n; i-- > 0;) {
		p->due_us[i] = p->answer_due_us[i] = SESSION_NEVER;
		p->free[p->free_n++] = i;
	}
}

void sessions_fini(struct sessions *p)
{
	free(p->all);
	free(p->due_us);
	free(p->answer_due_us);
	free(p->free);
	free(p->idle);
}

unsigned session_index(const struct sessions *p, const struct session *s)
{
	return (unsigned)(s - p->all);
}

struct session *session_take(struct sessions *p)
{
	struct session *s;
	uint32_t generation;

	if (p->free_n == 0)
		return NULL;
	s = &p->all[p->free[--p->free_n]];
	generation = s->generation + 1;
	/* Not its bytes: their lengths say that there are none. */
	memset(s, 0, offsetof(struct session, to));
	s->generation = generation;
	if (session_index(p, s) >= p->used)
		p->used = session_index(p, s) + 1;
	return s;
}

static void stop_timers(struct sessions *p, const struct session *s)
{
	p->due_us[session_index(p, s)] = SESSION_NEVER;
}

void session_give_back(struct sessions *p, struct session *s)
{
	stop_timers(p, s);
	p->answer_due_us[session_index(p, s)] = SESSION_NEVER;
	s->state = SESSION_FREE;
	p->free[p->free_n++] = session_index(p, s);
}

void session_park(struct sessions *p, struct session *s)
{
	stop_timers(p, s);
	p->idle[p->idle_n++] = session_index(p, s);
}

struct session *session_unpark(struct sessions *p)
{
	return p->idle_n ? &p->all[p->idle[--p->idle_n]] : NULL;
}

void session_put_id(const struct sessions *p, const struct session *s, struct text *t)
{
	text_hex(t, p->run, 8);
	text_hex(t, session_index(p, s), 6);
	text_hex(t, s->generation, 8);
}

static bool unhex(struct span *s, unsigned width, uint32_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < width; i++) {
		char c = s->p[i];
		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*s = (struct span){s->p + width, s->n - width};
	return true;
}

struct session *session_find(const struct sessions *p, struct span id, bool *ours)
{
	uint32_t run, index, generation;

	*ours = id.n > SESSION_ID && id.p[SESSION_ID] == '@' && unhex(&id, 8, &run) &&
		unhex(&id, 6, &index) && unhex(&id, 8, &generation) && run == p->run &&
		index < p->n;
	if (!*ours || p->all[index].generation != generation || p->all[index].state == SESSION_FREE)
		return NULL;
	return &p->all[index];
}
