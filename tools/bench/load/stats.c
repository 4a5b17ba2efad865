#include "stats.h"

#include <inttypes.h>

static const char *const NAMES[VIOLATIONS] = {
    [VIOLATION_UNREADABLE] = "unreadable",
    [VIOLATION_VIA] = "via",
    [VIOLATION_RECORD_ROUTE] = "record_route",
    [VIOLATION_ROUTE] = "route",
    [VIOLATION_CREDENTIALS] = "credentials",
    [VIOLATION_MAX_FORWARDS] = "max_forwards",
    [VIOLATION_URI] = "uri",
    [VIOLATION_BODY] = "body",
    [VIOLATION_TO_TAG] = "to_tag",
    [VIOLATION_UNCHALLENGED] = "unchallenged",
};

void stats_violation(struct stats *s, enum violation v)
{
	s->violations[v]++;
}

void stats_failure(struct stats *s, unsigned status)
{
	s->failed++;
	if (status == 0)
		s->timeouts++;
	else if (status < 700)
		s->statuses[status]++;
}

uint64_t stats_violations(const struct stats *s)
{
	uint64_t sum = 0;

	for (unsigned v = 0; v < VIOLATIONS; v++)
		sum += s->violations[v];
	return sum;
}

static void print_reasons(const struct stats *s, FILE *out)
{
	for (unsigned v = 0; v < VIOLATIONS; v++)
		if (s->violations[v])
			fprintf(out, " violation_%s=%" PRIu64, NAMES[v], s->violations[v]);
	for (unsigned status = 0; status < 700; status++)
		if (s->statuses[status])
			fprintf(out, " failed_%u=%" PRIu64, status, s->statuses[status]);
}

void stats_print(const struct stats *s, double seconds, FILE *out)
{
	fprintf(out, " seconds=%.3f done=%" PRIu64 " per_s=%.1f failed=%" PRIu64, seconds, s->done,
		(double)s->done / seconds, s->failed);
	fprintf(out, " timeouts=%" PRIu64 " violations=%" PRIu64, s->timeouts, stats_violations(s));
	fprintf(out, " retransmissions=%" PRIu64 " stray=%" PRIu64 " held_back=%" PRIu64,
		s->retransmissions, s->stray, s->held_back);
	fprintf(out, " p50_ms=%.3f p99_ms=%.3f max_ms=%.3f", histogram_ms(&s->total, 50),
		histogram_ms(&s->total, 99), (double)s->total.max_us / 1000);
	if (s->setup.count)
		fprintf(out, " setup_p99_ms=%.3f", histogram_ms(&s->setup, 99));
	print_reasons(s, out);
}
