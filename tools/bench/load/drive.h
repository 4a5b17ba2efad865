/*
 * drive: begins sessions at a pace and turns the wheel until they are over.
 */
#ifndef LOAD_DRIVE_H
#define LOAD_DRIVE_H

#include "load.h"

#include <signal.h>

struct pace {
	unsigned window; /* sessions under way at a time */
	double rate;     /* or such that begin in a second; 0: the window counts */
	uint64_t count;  /* ends when so many are over; 0: with the time */
	double seconds;  /* ends then at the latest */
};

uint64_t drive_now_us(void);
/* Begins sessions of a task; returns the seconds it took.  *stop, set by a signal, ends it. */
double drive(struct load *l, enum task task, const struct pace *p,
	     const volatile sig_atomic_t *stop);
/* Begins none, and waits for those under way. */
void drive_out(struct load *l, const volatile sig_atomic_t *stop);

#endif
