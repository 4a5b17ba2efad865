/*
 * Reads every message below t/torture (see its README), and every beginning
 * of each, in memory of exactly that size: sanitizers see any byte read too far.
 */
#include "base/buf.h"
#include "sip/edit.h"
#include "sip/msg.h"
#include "sip/reply.h"
#include "tap.h"

#include <stdlib.h>

#define ROOT "t/torture/"
static const char *const folders[] = {"rfc4475", "rfc5118", "rfc3665", "rfc3261-s24", "attack"};
enum { FOLDERS = sizeof(folders) / sizeof(*folders), LINE_BYTES = 4096, FIELDS = 10 };

static struct arena tables;

/* ---- files ---- */

/* All of a file in the arena, or null. */
static struct slice load(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		printf("# cannot open %s (tests run in the root of the tree)\n", path);
		tap_test_failed++;
		return SLICE_NULL;
	}
	char *bytes = arena_alloc(&tables, MSG_MAX_BYTES);
	size_t n = fread(bytes, 1, MSG_MAX_BYTES, f);
	fclose(f);
	return slice_of(bytes, n);
}

/* The next line of *rest as tab separated fields; those that are not there are empty. */
static bool next_row(struct slice *rest, struct slice fields[FIELDS])
{
	if (rest->n == 0)
		return false;
	const char *lf = slice_chr(*rest, '\n');
	struct slice line = lf ? slice_range(rest->p, lf) : *rest;
	*rest = slice_range(lf ? lf + 1 : slice_end(*rest), slice_end(*rest));
	for (int i = 0; i < FIELDS; i++) {
		const char *tab = slice_chr(line, '\t');
		fields[i] = tab ? slice_range(line.p, tab) : line;
		line = slice_range(tab ? tab + 1 : slice_end(line), slice_end(line));
	}
	return true;
}

/* ---- what must come out ---- */

/* The row of parse.tsv for a file; "fine" when there is none. */
static void expected_of(struct slice table, struct slice file, struct slice *outcome,
			struct slice *reason)
{
	struct slice f[FIELDS];
	*outcome = SLICE("fine");
	*reason = SLICE("");
	while (next_row(&table, f)) {
		if (slice_eq(f[0], file)) {
			*outcome = f[1];
			*reason = f[2];
		}
	}
}

static struct slice outcome_of(int result, const struct msg *m, struct arena *a)
{
	if (result < 0)
		return SLICE("drop");
	return m->fault.status ? arena_printf(a, "%u", m->fault.status) : SLICE("fine");
}

static void check_file(struct slice table, struct slice file)
{
	struct arena a;
	struct msg m;
	struct slice outcome, reason;
	arena_init(&a, 4096);
	const char *path = arena_strz(&a, arena_printf(&a, ROOT "%.*s", SLICE_ARG(file)));
	int result = msg_parse(&m, &a, load(path));
	struct slice got = outcome_of(result, &m, &a), why = slice_str(m.fault.reason);
	expected_of(table, file, &outcome, &reason);
	if (!slice_eq(got, outcome) || !slice_eq(why, reason)) {
		printf("# %.*s: %.*s %.*s, expected %.*s %.*s\n", SLICE_ARG(file), SLICE_ARG(got),
		       SLICE_ARG(why), SLICE_ARG(outcome), SLICE_ARG(reason));
		tap_test_failed++;
	}
	arena_free(&a);
}

/* Calls visit with "folder/file" and the row for each message of a manifest. */
static unsigned each_message(const char *folder,
			     void (*visit)(struct slice file, const struct slice *row))
{
	struct slice rest =
	    load(arena_strz(&tables, arena_printf(&tables, ROOT "%s/MANIFEST.tsv", folder)));
	struct slice row[FIELDS];
	unsigned n = 0;
	next_row(&rest, row); /* titles */
	for (; next_row(&rest, row); n++)
		visit(arena_printf(&tables, "%s/%.*s", folder, SLICE_ARG(row[0])), row);
	return n;
}

static void check_outcome(struct slice file, const struct slice *row)
{
	(void)row;
	check_file(load(ROOT "parse.tsv"), file);
}

static void outcomes(void)
{
	static const unsigned messages[FOLDERS] = {50, 12, 181, 16, 26};
	for (int i = 0; i < FOLDERS; i++)
		CHECK_INT(each_message(folders[i], check_outcome), messages[i]);
}

/* ---- agreement with the manifest of RFC 4475 ---- */

static bool allows(struct slice list, struct slice status)
{
	while (list.n) {
		const char *comma = slice_chr(list, ',');
		struct slice one = comma ? slice_range(list.p, comma) : list;
		if (slice_eq(one, status))
			return true;
		list = slice_range(comma ? comma + 1 : slice_end(list), slice_end(list));
	}
	return false;
}

/* row: 2 validity, 4 class, 5 statuses that may be answered. */
static void check_allowed(struct slice file, const struct slice *row)
{
	struct slice table = load(ROOT "parse.tsv"), outcome, reason;
	expected_of(table, file, &outcome, &reason);
	bool must = slice_eq(row[4], SLICE("REJECT")) &&
		    (slice_eq(row[5], SLICE("400")) || slice_eq(row[5], SLICE("505")));
	bool fine = slice_eq(outcome, SLICE("fine"));
	bool response = slice_chr(row[2], ' ') && slice_eq(row[5], SLICE("-"));
	bool may = fine || response || slice_eq(outcome, SLICE("drop")) || allows(row[5], outcome);
	if ((must && fine) || !may) {
		printf("# %.*s: %.*s, the manifest wants %.*s\n", SLICE_ARG(file),
		       SLICE_ARG(outcome), SLICE_ARG(row[5]));
		tap_test_failed++;
	}
}

static void outcomes_agree_with_rfc4475(void)
{
	CHECK_INT(each_message("rfc4475", check_allowed), 50);
}

/* ---- every beginning ---- */

static bool inside(struct slice s, struct slice whole)
{
	return !s.p || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

static bool slices_inside(const struct msg *m, struct slice whole)
{
	bool ok = inside(m->raw, whole) && inside(m->head, whole) && inside(m->body, whole) &&
		  inside(m->via.text, whole) && inside(m->from.text, whole) &&
		  inside(m->to.text, whole) && inside(m->from_tag, whole) &&
		  inside(m->to_tag, whole) && inside(m->call_id, whole) &&
		  inside(m->uri_text, whole) && inside(m->method_text, whole) &&
		  inside(m->reason, whole);
	for (unsigned i = 0; i < m->n_hdrs; i++)
		ok &= inside(hdr_line(&m->hdrs[i]), whole) &&
		      inside(m->hdrs[i].name, hdr_line(&m->hdrs[i])) &&
		      inside(m->hdrs[i].value, hdr_line(&m->hdrs[i]));
	return ok;
}

static bool parses_safely(const char *bytes, size_t n)
{
	struct arena a = {0};
	struct msg m;
	char *exact = mem_alloc(n);
	memcpy(exact, bytes, n);
	int result = msg_parse(&m, &a, slice_of(exact, n));
	bool ok = result <= (int)n && slices_inside(&m, slice_of(exact, n));
	arena_free(&a);
	free(exact);
	return ok;
}

static void check_beginnings(struct slice file, const struct slice *row)
{
	(void)row;
	struct slice text =
	    load(arena_strz(&tables, arena_printf(&tables, ROOT "%.*s", SLICE_ARG(file))));
	for (size_t n = 0; n <= text.n; n++)
		CHECK(parses_safely(text.p, n));
}

static void every_beginning_is_safe(void)
{
	for (int i = 0; i < FOLDERS; i++)
		each_message(folders[i], check_beginnings);
}

/* ---- what is written of it ---- */

static void check_unchanged(const struct msg *m, struct arena *a, struct buf *out)
{
	struct edits none;
	edits_init(&none, a);
	buf_reset(out);
	edits_write(&none, m, out);
	CHECK(slice_eq(buf_slice(out), m->raw));
}

/* A reply to anything is a response that its sender can match. */
static void check_reply(const struct msg *m, struct arena *a, struct buf *out)
{
	struct reply r = {.status = 400, .to_tag = SLICE("t1")};
	struct msg back;
	buf_reset(out);
	reply_write(out, m, &r);
	CHECK(msg_parse(&back, a, buf_slice(out)) == (int)out->n);
	msg_read_addresses(&back);
	CHECK_INT(back.status, 400);
	CHECK(slice_eq(back.via.text, m->via.text));
	CHECK(!m->to.text.p || back.to_tag.n > 0);
}

static void check_written(struct slice file, const struct slice *row)
{
	(void)row;
	struct arena a = {0};
	struct buf out;
	struct msg m;
	buf_init(&out, 2 * MSG_MAX_BYTES);
	struct slice text =
	    load(arena_strz(&tables, arena_printf(&tables, ROOT "%.*s", SLICE_ARG(file))));
	if (msg_parse(&m, &a, text) > 0) {
		check_unchanged(&m, &a, &out);
		if (m.request)
			check_reply(&m, &a, &out);
	}
	buf_free(&out);
	arena_free(&a);
}

static void written_again(void)
{
	for (int i = 0; i < FOLDERS; i++)
		each_message(folders[i], check_written);
}

int main(void)
{
	arena_init(&tables, 65536);
	TEST(outcomes);
	TEST(outcomes_agree_with_rfc4475);
	TEST(every_beginning_is_safe);
	TEST(written_again);
	arena_free(&tables);
	return tap_done();
}
