#include "script/xlog.h"

#include "script/cache.h"
#include "script/nearest.h"
#include "sip/lex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_FORMAT_BYTES = 8192,
	MAX_LINE_BYTES = 512 * 1024,
	MAX_WHY_BYTES = 256,
};

static const char cache_name[] = "lunasip.formats";

enum item_kind { ITEM_TEXT, ITEM_VARIABLE, ITEM_HEADER, ITEM_COLOUR };

struct item {
	enum item_kind kind;
	uint16_t at, n; /* text or header name, in the format */
	int number;     /* variable: its index; header: which one, -1: all */
	bool bold;
	uint8_t fg, bg; /* colour: of SGR */
};

struct format {
	unsigned n;
	bool coloured;
	struct item items[];
};

/* Parsing */

struct parser {
	struct slice text;
	size_t at;
	struct format *out;
	struct buf *why; /* of the first mistake; parsing ends there */
};

static struct slice rest_of(const struct parser *p)
{
	return slice_range(p->text.p + p->at, slice_end(p->text));
}

static struct item *item_add(struct parser *p, enum item_kind kind, size_t at, size_t n)
{
	struct item *i = &p->out->items[p->out->n++];

	*i = (struct item){.kind = kind, .at = (uint16_t)at, .n = (uint16_t)n};
	return i;
}

/* The SGR digit of a colour letter, or -1; upper case is bold. */
static int colour_of(char c)
{
	static const char letters[] = "srgybpcw";
	char lower = (char)(c | 0x20);
	const char *p = lower == 'x' ? NULL : strchr(letters, lower);

	if (lower == 'x')
		return 9;
	return c && p && *p ? (int)(p - letters) : -1;
}

static void parse_colour(struct parser *p)
{
	struct slice s = rest_of(p);
	int fg = s.n > 1 ? colour_of(s.p[1]) : -1;
	int bg = s.n > 2 ? colour_of(s.p[2]) : -1;

	if (fg < 0 || bg < 0) {
		buf_puts(p->why, "unknown colour: $C takes two of s r g y b p c w x");
		return;
	}
	struct item *i = item_add(p, ITEM_COLOUR, p->at, 0);
	i->fg = (uint8_t)(30 + fg);
	i->bg = (uint8_t)(40 + bg);
	i->bold = s.p[1] != 'x' && !(s.p[1] & 0x20);
	p->out->coloured = true;
	p->at += 3;
}

/* "(NAME)", "(NAME[n])", "(NAME[*])" */
static void parse_header(struct parser *p)
{
	struct slice s = rest_of(p);
	const char *close = slice_chr(s, ')');
	struct slice inside = close ? slice_range(s.p + 1, close) : SLICE("");
	size_t name = lex_token(inside);
	struct slice index = slice_of(inside.p + name, inside.n - name);
	uint32_t n = 0;
	bool all = slice_eq(index, SLICE("[*]"));

	if (name == 0) {
		buf_puts(p->why, "$hdr takes a name: $hdr(User-Agent)");
		return;
	}
	if (index.n && !all) {
		bool brackets = index.n > 2 && index.p[0] == '[' && slice_end(index)[-1] == ']';
		if (!brackets || slice_u32(slice_of(index.p + 1, index.n - 2), &n) || n > 1000) {
			buf_puts(p->why, "$hdr(NAME[n]): n is a number from 0, or *");
			return;
		}
	}
	item_add(p, ITEM_HEADER, (size_t)(inside.p - p->text.p), name)->number = all ? -1 : (int)n;
	p->at += (size_t)(close + 1 - s.p);
}

/* The longest name that s begins with, or -1. */
static int variable_of(struct slice s)
{
	int best = -1;
	size_t longest = 0;

	for (unsigned i = 0; i < xlog_variable_count; i++) {
		struct slice name = slice_str(xlog_variables[i].name);
		if (name.n > longest && slice_starts(s, name)) {
			longest = name.n;
			best = (int)i;
		}
	}
	return best;
}

static void unknown_variable(const struct parser *p)
{
	struct slice s = rest_of(p);
	struct nearest near;
	size_t n = 0;

	while (n < s.n && n < 16 && (lex_is_token(s.p[n]) && s.p[n] != '%'))
		n++;
	nearest_init(&near, slice_of(s.p, n));
	for (unsigned i = 0; i < xlog_variable_count; i++)
		nearest_try(&near, slice_str(xlog_variables[i].name));
	buf_printf(p->why, "unknown pseudo-variable '$%.*s'", (int)n, s.p ? s.p : "");
	if (near.best.p)
		buf_printf(p->why, ", did you mean '$%.*s'?", SLICE_ARG(near.best));
}

/* "$(name)" is "$name" with an end. */
static void parse_variable(struct parser *p)
{
	bool brackets = rest_of(p).n && rest_of(p).p[0] == '(';

	p->at += brackets;
	int v = variable_of(rest_of(p));
	if (v < 0) {
		unknown_variable(p);
		return;
	}
	item_add(p, ITEM_VARIABLE, p->at, 0)->number = v;
	p->at += strlen(xlog_variables[v].name);
	if (!brackets)
		return;
	if (!rest_of(p).n || rest_of(p).p[0] != ')')
		buf_puts(p->why, "'$(' without ')': transformations are not known");
	p->at++;
}

static void parse_dollar(struct parser *p)
{
	p->at++;
	struct slice s = rest_of(p);

	if (slice_starts(s, SLICE("$"))) {
		item_add(p, ITEM_TEXT, p->at, 1);
		p->at++;
	} else if (slice_starts(s, SLICE("C"))) {
		parse_colour(p);
	} else if (slice_starts(s, SLICE("hdr("))) {
		p->at += 3;
		parse_header(p);
	} else {
		parse_variable(p);
	}
}

static void parse(struct parser *p)
{
	while (p->at < p->text.n && !p->why->n) {
		struct slice s = rest_of(p);
		const char *dollar = slice_chr(s, '$');
		size_t n = dollar ? (size_t)(dollar - s.p) : s.n;
		if (n)
			item_add(p, ITEM_TEXT, p->at, n);
		p->at += n;
		if (dollar)
			parse_dollar(p);
	}
}

static unsigned count_items(struct slice text)
{
	unsigned n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += 2 * (text.p[i] == '$');
	return n;
}

static size_t format_bytes(struct slice text)
{
	return sizeof(struct format) + count_items(text) * sizeof(struct item);
}

int xlog_check(struct slice text, struct buf *why)
{
	if (text.n > MAX_FORMAT_BYTES) {
		buf_puts(why, "a format of more than 8192 bytes");
		return -1;
	}
	size_t before = why->n;
	struct buf own;
	buf_init(&own, MAX_WHY_BYTES);
	struct parser p = {text, 0, mem_zalloc(format_bytes(text)), &own};
	parse(&p);
	buf_put(why, buf_slice(&own));
	buf_free(&own);
	free(p.out);
	return why->n > before ? -1 : 0;
}

/* Raises what is wrong with the format: the text is copied, for nothing comes back to free it. */
static void raise_why(lua_State *L, struct buf *why)
{
	char text[MAX_WHY_BYTES];

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_slice(why)));
	buf_free(why);
	luaL_error(L, "%s", text);
}

static struct format *format_new(lua_State *L, struct slice text)
{
	struct format *f = lua_newuserdatauv(L, format_bytes(text), 0);
	struct buf why;
	struct parser p = {text, 0, f, &why};

	memset(f, 0, format_bytes(text));
	buf_init(&why, MAX_WHY_BYTES);
	parse(&p);
	if (why.n)
		raise_why(L, &why);
	buf_free(&why);
	return f;
}

/* The parsed format at index; it stays on the stack. */
static struct format *format_at(lua_State *L, int index, struct slice text)
{
	luaL_argcheck(L, text.n <= MAX_FORMAT_BYTES, index, "a format of more than 8192 bytes");
	if (cache_find(L, cache_name, index))
		return lua_touserdata(L, -1);
	struct format *f = format_new(L, text);
	cache_keep(L, cache_name, index);
	return f;
}

/* Writing */

static void write_item(const struct item *i, struct slice text, const struct scope *s, bool colour,
		       struct buf *out)
{
	bool found = true;

	switch (i->kind) {
	case ITEM_TEXT:
		buf_put(out, slice_of(text.p + i->at, i->n));
		break;
	case ITEM_COLOUR:
		if (colour)
			buf_printf(out, "\033[%d;%d;%dm", i->bold, i->fg, i->bg);
		break;
	case ITEM_HEADER:
		found = s->m && xlog_header(s, slice_of(text.p + i->at, i->n), i->number, out);
		break;
	case ITEM_VARIABLE:
		found = s->m && xlog_variables[i->number].put(s, out);
		break;
	}
	if (!found)
		buf_puts(out, "<null>");
}

static void write_line(struct log *log, enum log_level level, const struct format *f,
		       struct slice text, const struct scope *s)
{
	struct buf line;

	buf_init(&line, MAX_LINE_BYTES);
	for (unsigned i = 0; i < f->n; i++)
		write_item(&f->items[i], text, s, log->colour, &line);
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	if (f->coloured && log->colour)
		buf_puts(&line, "\033[0m");
	log_line(log, level, buf_slice(&line));
	buf_free(&line);
}

/* Arguments from index on: [level,] format. */
static int xlog(lua_State *L, int index, const struct scope *s)
{
	struct script *owner = state_owner(L);
	enum log_level level = LOG_NOTICE;

	if (!lua_isnoneornil(L, index + 1)) {
		if (log_level_parse(object_text(L, index), &level))
			luaL_argerror(L, index,
				      "a level is L_ERR, L_WARN, L_NOTICE, L_INFO or "
				      "L_DBG");
		index++;
	}
	struct slice text = object_text(L, index);
	if (log_wants(owner->log, level))
		write_line(owner->log, level, format_at(L, index, text), text, s);
	return 0;
}

int xlog_method(lua_State *L)
{
	struct scope s = scope_of(L);
	return xlog(L, 2, &s);
}

int xlog_function(lua_State *L)
{
	struct scope s = {0};
	scope_current(L, &s);
	return xlog(L, 1, &s);
}
