/*
 * trace: every datagram of the SIP sockets, a record each, for `lunactl ladder`
 * and for eyes.  For a look at what goes on, not for always: it holds what
 * people say and the credentials they say it with, so only its owner may read.
 *
 * A record: "#N FROM -> TO DATE TIME n bytes\n", the n bytes as they were, "\n".
 * Before them, a line for each address of ours: "=== proxy ADDR:PORT\n".
 * All workers write to one trace.
 */
#ifndef APP_TRACE_H
#define APP_TRACE_H

#include "base/log.h"
#include "transport/transport.h"

#include <uv.h>

struct trace {
	struct log *log;
	uv_mutex_t mutex; /* of all that follows */
	int fd;           /* -1: off */
	size_t max_bytes;
	uint64_t n; /* records so far */
	struct buf record;
};

/*
 * Opens path to append to; an empty path is none.  The trace ends, with a line
 * in the log, when the file has max_bytes or cannot be written.  0, or -1 with
 * a sentence in why; trace_close() follows either way.
 */
int trace_open(struct trace *t, struct log *log, struct slice path, size_t max_bytes,
	       struct buf *why);
/* What a transport is to call, on any thread; of no effect when the trace is off. */
struct transport_trace trace_user(struct trace *t);
/* Tells readers that a is an address of the proxy. */
void trace_ours(struct trace *t, const struct addr *a);
void trace_close(struct trace *t);

#endif
