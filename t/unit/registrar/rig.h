/*
 * rig: a virtual clock and a store that can be slow or broken, for the tests
 * of this room.  Behind it stands the memory driver.
 */
#ifndef REGISTRAR_RIG_H
#define REGISTRAR_RIG_H

#include "sim/sim.h"
#include "sip/msg.h"
#include "store/driver.h"
#include "tap.h"

#include <stdarg.h>

struct rig {
	struct sim sim;
	struct arena arena;
	struct store store;
	struct store_connection *db;
	struct list waiting; /* ops the store has not looked at yet */
	bool slow;           /* ops wait for rig_serve() */
	bool broken;         /* ops fail */
	bool forgetful;      /* writes happen, but nobody hears of it */
	const char *refused; /* a write of this contact fails; "*": each does */
	unsigned asked;      /* ops since rig_init */
	bool told;           /* the log knows it when the store is broken */
	enum store_kind last;
	unsigned settled; /* rows that were asked to be */
};

static inline bool rig_refuses(const struct rig *r, const struct store_op *op)
{
	if (!r->refused || op->kind != STORE_LOCATION_WRITE)
		return false;
	for (unsigned i = 0; i < op->n_puts; i++)
		if (slice_eq(op->puts[i].contact, slice_str(r->refused)))
			return true;
	return strcmp(r->refused, "*") == 0;
}

static inline void rig_answer(struct rig *r, struct store_op *op)
{
	if (r->broken) {
		op->error = STORE_UNAVAILABLE;
		op->message = SLICE("it is unplugged");
		op->told = r->told;
	} else if (rig_refuses(r, op)) {
		op->error = STORE_FAILED;
		op->message = SLICE("incorrect string value");
	} else {
		store_run(r->db, op);
		r->settled += op->n_settles;
	}
	if (r->forgetful && op->kind == STORE_LOCATION_WRITE) {
		op->error = STORE_UNAVAILABLE;
		op->message = SLICE("it hung up at the commit");
		op->in_doubt = true;
	}
	op->done(op);
}

static inline void rig_submit(struct store *s, struct store_op *op)
{
	struct rig *r = CONTAINER(s, struct rig, store);
	r->asked++;
	r->last = op->kind;
	if (r->slow)
		list_push(&r->waiting, &op->node);
	else
		rig_answer(r, op);
}

/* Answers what waits now, not what these answers lead to.  Returns how many. */
static inline unsigned rig_serve(struct rig *r)
{
	struct list now;
	unsigned n = 0;
	list_init(&now);
	for (struct list *node; (node = list_shift(&r->waiting));)
		list_push(&now, node);
	for (struct list *node; (node = list_shift(&now)); n++)
		rig_answer(r, CONTAINER(node, struct store_op, node));
	return n;
}

static inline void rig_init(struct rig *r)
{
	const char *listen[] = {"192.0.2.15:5060"};
	struct buf why;
	*r = (struct rig){0};
	buf_init(&why, 256);
	sim_init(&r->sim, 1, listen, 1);
	arena_init(&r->arena, 4096);
	list_init(&r->waiting);
	r->store.submit = rig_submit;
	CHECK_INT(store_memory.open(&r->db, SLICE(""), &why), STORE_OK);
	buf_free(&why);
}

static inline void rig_free(struct rig *r)
{
	store_memory.close(r->db);
	arena_free(&r->arena);
	sim_free(&r->sim);
}

static inline void rig_seconds(struct rig *r, uint64_t s)
{
	sim_advance(&r->sim, s * 1000);
}

/* How often the log holds text. */
static inline unsigned rig_logged(struct rig *r, const char *text)
{
	struct slice log = buf_slice(&r->sim.log_text);
	unsigned n = 0;
	for (const char *p = log.p;
	     log.n && (p = memmem(p, (size_t)(slice_end(log) - p), text, strlen(text)));
	     p += strlen(text))
		n++;
	return n;
}

/* A request in the rig's arena; lines end with \n here and with CRLF in it. */
__attribute__((format(printf, 2, 3))) static inline struct msg *rig_msg(struct rig *r,
									const char *format, ...)
{
	char text[8192], wire[8192];
	size_t n = 0;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *p = text; *p; p++) {
		if (*p == '\n' && n < sizeof(wire) - 2)
			wire[n++] = '\r';
		if (n < sizeof(wire) - 2)
			wire[n++] = *p;
	}
	struct msg *m = arena_zalloc(&r->arena, sizeof(*m));
	CHECK(msg_parse(m, &r->arena, arena_dup(&r->arena, slice_of(wire, n))) > 0);
	return m;
}

#endif
