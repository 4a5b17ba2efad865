#include "cpu.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PROCESSES = 8192 };

struct process {
	int pid, parent;
	double user_s, kernel_s;
	bool ours;
};

static double tick_s(void)
{
	return 1.0 / (double)sysconf(_SC_CLK_TCK);
}

static bool read_line(const char *path, char *line, size_t max)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return false;
	n = fread(line, 1, max - 1, f);
	line[n] = '\0';
	fclose(f);
	return n > 0;
}

/* The n-th word of a line. */
static const char *word(const char *line, unsigned n)
{
	while (n-- > 0 && line)
		line = (line = strchr(line, ' ')) ? line + 1 : NULL;
	return line ? line : "";
}

/* /proc/…/stat: behind the name in brackets stand state, parent, … */
static bool read_stat(struct process *p, const char *path)
{
	char line[1024], *rest;

	if (!read_line(path, line, sizeof(line)) || !(rest = strrchr(line, ')')))
		return false;
	p->parent = (int)strtol(word(rest, 2), NULL, 10);
	p->user_s = tick_s() * (double)strtoul(word(rest, 12), NULL, 10);
	p->kernel_s = tick_s() * (double)strtoul(word(rest, 13), NULL, 10);
	return true;
}

static int number_of(const struct dirent *entry)
{
	char *end;
	long n = strtol(entry->d_name, &end, 10);

	return *end == '\0' ? (int)n : 0;
}

static size_t list_processes(struct process *list)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (dir && n < PROCESSES && (entry = readdir(dir))) {
		char path[64];
		struct process *p = &list[n];

		*p = (struct process){.pid = number_of(entry)};
		snprintf(path, sizeof(path), "/proc/%d/stat", p->pid);
		n += p->pid > 0 && read_stat(p, path);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Marks the process and all that descend from it, whatever their order. */
static void mark(struct process *list, size_t n, int pid)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].ours || (list[i].pid != pid && list[i].parent != pid))
			continue;
		list[i].ours = true;
		if (list[i].pid != pid)
			mark(list, n, list[i].pid);
	}
}

/* /proc/…/status: a line for each thing, the name in front. */
static uint64_t read_sleeps(int pid, int tid)
{
	static const char NAME[] = "\nvoluntary_ctxt_switches:";
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (!read_line(path, text, sizeof(text)) || !(line = strstr(text, NAME)))
		return 0;
	return strtoul(line + strlen(NAME), NULL, 10);
}

static void add_threads(struct cpu *c, int pid)
{
	char path[64];
	DIR *dir;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && c->threads_n < CPU_THREADS && (entry = readdir(dir))) {
		struct cpu_thread *t = &c->threads[c->threads_n];
		struct process thread;

		t->tid = number_of(entry);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, t->tid);
		if (t->tid == 0 || !read_stat(&thread, path))
			continue;
		t->seconds = thread.user_s + thread.kernel_s;
		t->sleeps = read_sleeps(pid, t->tid);
		c->threads_n++;
	}
	if (dir)
		closedir(dir);
}

void cpu_look(struct cpu *c, int pid)
{
	struct process *list = calloc(PROCESSES, sizeof(*list));
	size_t n = list ? list_processes(list) : 0;

	c->seconds = c->kernel_s = 0;
	c->threads_n = 0;
	if (list)
		mark(list, n, pid);
	for (size_t i = 0; i < n; i++)
		if (list[i].ours) {
			c->seconds += list[i].user_s + list[i].kernel_s;
			c->kernel_s += list[i].kernel_s;
			add_threads(c, list[i].pid);
		}
	free(list);
}

struct cpu_thread cpu_busiest(const struct cpu *before, const struct cpu *after)
{
	struct cpu_thread most = {0};

	for (size_t i = 0; i < after->threads_n; i++) {
		struct cpu_thread t = after->threads[i];
		for (size_t k = 0; k < before->threads_n; k++)
			if (before->threads[k].tid == t.tid) {
				t.seconds -= before->threads[k].seconds;
				t.sleeps -= before->threads[k].sleeps;
			}
		if (t.seconds > most.seconds)
			most = t;
	}
	return most;
}

double cpu_stolen(void)
{
	char line[512];

	/* "cpu  user nice system idle iowait irq softirq steal …", two spaces first */
	return read_line("/proc/stat", line, sizeof(line))
		   ? tick_s() * (double)strtoul(word(line, 9), NULL, 10)
		   : 0;
}

double cpu_own(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
