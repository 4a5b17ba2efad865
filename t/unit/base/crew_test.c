#include "base/crew.h"
#include "tap.h"

#include <stdlib.h>

/* Their threads are us. */

enum { N = CREW_MAX };

struct rig {
	struct crew crew;
	struct mate mates[N];
	unsigned woken[N];
	unsigned opened;
};

static void count(void *data)
{
	++*(unsigned *)data;
}

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));
	r->crew = (struct crew){.n = N, .mates = r->mates};
	for (unsigned i = 0; i < N; i++)
		mailbox_init(&r->mates[i].mailbox, count, &r->woken[i]);
	return r;
}

struct note {
	struct letter letter;
	struct rig *rig;
};

static void open_note(struct letter *l)
{
	((struct note *)l)->rig->opened++;
}

static void write_to(struct rig *r, struct note *x, unsigned to)
{
	*x = (struct note){{NULL, open_note}, r};
	crew_post(&r->crew, 0, to, &x->letter);
}

static void many_letters_are_one_wake(void)
{
	struct rig *r = rig_new();
	struct note x[3];
	for (unsigned i = 0; i < 3; i++)
		write_to(r, &x[i], 1);
	CHECK_INT(r->woken[1], 0);
	crew_ring(&r->crew, 0);
	CHECK_INT(r->woken[1], 1);
	mailbox_read(&r->mates[1].mailbox);
	CHECK_INT(r->opened, 3);
	free(r);
}

static void those_are_woken_who_were_written_to(void)
{
	struct rig *r = rig_new();
	struct note x[2];
	write_to(r, &x[0], 2);
	write_to(r, &x[1], N - 1);
	crew_ring(&r->crew, 1); /* who wrote to nobody */
	CHECK_INT(r->woken[2], 0);
	crew_ring(&r->crew, 0);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(r->woken[i], i == 2 || i == N - 1);
	free(r);
}

static void who_has_been_rung_is_not_rung_again(void)
{
	struct rig *r = rig_new();
	struct note x;
	write_to(r, &x, 1);
	crew_ring(&r->crew, 0);
	mailbox_rest(&r->mates[1].mailbox);
	crew_ring(&r->crew, 0);
	CHECK_INT(r->woken[1], 1);
	free(r);
}

int main(void)
{
	TEST(many_letters_are_one_wake);
	TEST(those_are_woken_who_were_written_to);
	TEST(who_has_been_rung_is_not_rung_again);
	return tap_done();
}
