#include "script/nearest.h"

enum { LONGEST = 48 }; /* words beyond it are nobody's misspelling */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits from a to b, two neighbours swapped counting as one. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned d[3][LONGEST + 1];

	for (unsigned j = 0; j <= b.n; j++)
		d[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *row = d[i % 3], *above = d[(i - 1) % 3], *two = d[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			bool same = a.p[i - 1] == b.p[j - 1];
			row[j] = least(above[j] + 1, least(row[j - 1] + 1, above[j - 1] + !same));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = least(row[j], two[j - 2] + 1);
		}
	}
	return d[a.n % 3][b.n];
}

void nearest_init(struct nearest *n, struct slice word)
{
	*n = (struct nearest){.word = word, .distance = word.n > 6 ? 4 : 3};
	if (word.n < 4)
		n->distance = 2;
}

void nearest_try(struct nearest *n, struct slice candidate)
{
	if (n->word.n > LONGEST || candidate.n > LONGEST)
		return;
	unsigned d = distance(n->word, candidate);
	if (d < n->distance) {
		n->distance = d;
		n->best = candidate;
	}
}

void nearest_say(const struct nearest *n, struct buf *out)
{
	if (n->best.p)
		buf_printf(out, ", did you mean '%.*s'?", SLICE_ARG(n->best));
}
