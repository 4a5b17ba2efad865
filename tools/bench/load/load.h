/*
 * load: what the parts of the generator share.  One thread; a caller's and a callee's wire.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "digest.h"
#include "options.h"
#include "phone.h"
#include "session.h"
#include "stats.h"
#include "wire.h"

/* What sessions are begun for. */
enum task {
	TASK_OPTIONS,
	TASK_REGISTER,
	TASK_CALL,
	TASK_MESSAGE,
	TASK_DIAL,   /* a call that stays */
	TASK_INFO,   /* in a call that stays */
	TASK_HANGUP, /* ends it */
	TASK_RING,   /* a call that rings and rings */
	TASK_ANSWER, /* it is answered, and ended */
};

struct load {
	const struct options *options;
	struct wire *caller, *callee;
	struct digest *digest;
	struct sessions sessions;
	struct stats stats;
	enum task task;
	uint64_t begun, ended; /* sessions of this task */
	uint64_t next_user;
	char domain[32]; /* 127.0.0.1:5060 */
	size_t domain_n;
};

enum { LOAD_T1_US = 500000, LOAD_T2_US = 4000000 };

static inline struct in_addr load_caller(const struct load *l, const struct session *s)
{
	return phone_address(PHONE_CALLERS, s->user, l->options->hosts);
}

static inline struct in_addr load_callee(const struct load *l, unsigned user)
{
	return phone_address(PHONE_CALLEES, user, l->options->hosts);
}

static inline struct span load_domain(const struct load *l)
{
	return (struct span){l->domain, l->domain_n};
}

#endif
