/*
 * simstore: a store in virtual time over a driver that is called in place (the
 * memory driver), which can be slow, fail, or be gone.
 */
#ifndef SIM_SIMSTORE_H
#define SIM_SIMSTORE_H

#include "base/wheel.h"
#include "store/driver.h"

struct simstore {
	struct store store;
	struct store_connection *connection; /* borrowed */
	struct wheel *wheel;                 /* borrowed */
	struct list waiting;
	uint64_t delay_ms;  /* until an operation happens and is answered; 0: within submit */
	bool begun;         /* what waits has begun: it cannot be withdrawn */
	bool gone;          /* what happens now ends in STORE_UNAVAILABLE */
	unsigned fail_next; /* so many operations end in STORE_FAILED */
	unsigned submitted; /* so far */
};

void simstore_init(struct simstore *s, struct wheel *wheel, struct store_connection *c);
/* Operations that wait are answered STORE_UNAVAILABLE. */
void simstore_free(struct simstore *s);

#endif
