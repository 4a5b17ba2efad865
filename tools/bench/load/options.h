/*
 * options: the command line of the load generator.
 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_WATCHED = 4 };

enum workload {
	WORKLOAD_PROBE, /* OPTIONS until there is an answer */
	WORKLOAD_OPTIONS,
	WORKLOAD_REGISTER,
	WORKLOAD_CALL,
	WORKLOAD_MESSAGE, /* relayed to a registered user */
	WORKLOAD_INFO,    /* in dialogs that are set up before */
	WORKLOAD_RING,    /* INVITEs that wait for their answer until standard input says so */
	WORKLOADS,
};

struct options {
	enum workload workload;
	struct in_addr proxy;
	uint16_t port;
	uint16_t callee_port;  /* where users register; 0: anywhere */
	unsigned first, users; /* user numbers first … first + users - 1 */
	unsigned hosts;        /* addresses on each side */
	unsigned window;       /* sessions at a time, when there is no rate */
	double rate;           /* sessions that begin in a second; 0: a window */
	double seconds, warmup_s;
	uint64_t count; /* sessions, instead of seconds; 0: none */
	unsigned timeout_ms, nap_us, expires_s;
	bool registered; /* the users are registered already */
	struct {
		const char *name;
		int pid;
	} watched[OPTIONS_WATCHED];
	unsigned watched_n;
};

/* 0, or -1 when the command line is wrong and standard error says why. */
int options_read(struct options *o, int argc, char **argv);

#endif
