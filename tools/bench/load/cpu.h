/*
 * cpu: the CPU time that a process, its children and their threads take (proc(5)).
 */
#ifndef LOAD_CPU_H
#define LOAD_CPU_H

#include <stddef.h>
#include <stdint.h>

enum { CPU_THREADS = 256 };

struct cpu_thread {
	int tid;
	double seconds;
	uint64_t sleeps; /* how often it had nothing to do */
};

/* One look at a process and all that descend from it. */
struct cpu {
	double seconds; /* user and system, threads that ended included */
	double kernel_s;
	struct cpu_thread threads[CPU_THREADS];
	size_t threads_n;
};

void cpu_look(struct cpu *c, int pid);
/* What the busiest thread took between two looks, how often it fell asleep. */
struct cpu_thread cpu_busiest(const struct cpu *before, const struct cpu *after);
/* What the hypervisor took from the machine since it runs, in seconds. */
double cpu_stolen(void);
/* What this process took. */
double cpu_own(void);

#endif
