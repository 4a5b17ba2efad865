/*
 * stats: what a run counted, and the line that tells it.
 *
 * A violation is something that a proxy must not do, or must do and did not: none may win by
 * doing less.  Failures and violations count from the first message on, warm-up included;
 * sessions, latencies and retransmissions only while it is measured.
 */
#ifndef LOAD_STATS_H
#define LOAD_STATS_H

#include "histogram.h"

#include <stdbool.h>
#include <stdio.h>

enum violation {
	VIOLATION_UNREADABLE,   /* no SIP, or no From, To, Call-ID, CSeq, Via */
	VIOLATION_VIA,          /* the proxy's own is missing, or is left in a response */
	VIOLATION_RECORD_ROUTE, /* none in an INVITE or its 200 */
	VIOLATION_ROUTE,        /* not the proxy, not loose, or left in the request */
	VIOLATION_CREDENTIALS,  /* shown to the callee */
	VIOLATION_MAX_FORWARDS, /* not one less */
	VIOLATION_URI,          /* not the contact that the callee registered */
	VIOLATION_BODY,         /* another than was sent */
	VIOLATION_TO_TAG,       /* none in a final response */
	VIOLATION_UNCHALLENGED, /* let in without being asked who it is */
	VIOLATIONS,
};

struct stats {
	bool measuring;
	uint64_t done, retransmissions, stray, held_back;
	uint64_t failed, timeouts, statuses[700];
	uint64_t violations[VIOLATIONS];
	struct histogram total, setup;
};

void stats_violation(struct stats *s, enum violation v);
/* status 0: no answer at all. */
void stats_failure(struct stats *s, unsigned status);
uint64_t stats_violations(const struct stats *s);
/* " done=… failed=… …", without an end of line. */
void stats_print(const struct stats *s, double seconds, FILE *out);

#endif
