#include "script/luaparse.h"

#include <string.h>

enum { MAX_DEPTH = 220 }; /* of what is nested; the compiler stops at 200 */

/* Tokens.  A broken source ends at once. */

void luaparse_advance(struct luaparse *p)
{
	p->line = p->t.line;
	if (p->source->broken)
		return;
	p->t = lualex_next(&p->lex);
	if (p->t.kind == LUALEX_BAD)
		p->source->broken = true;
	if (p->source->broken)
		p->t.kind = LUALEX_END;
}

static void give_up(struct luaparse *p)
{
	p->source->broken = true;
	p->t.kind = LUALEX_END;
}

bool luaparse_is(const struct luaparse *p, const char *symbol)
{
	return lualex_is(&p->t, symbol);
}

bool luaparse_accept(struct luaparse *p, const char *symbol)
{
	bool found = luaparse_is(p, symbol);

	if (found)
		luaparse_advance(p);
	return found;
}

void luaparse_expect(struct luaparse *p, const char *symbol)
{
	if (!luaparse_accept(p, symbol))
		give_up(p);
}

struct slice luaparse_name(struct luaparse *p)
{
	struct slice name = p->t.text;

	if (p->t.kind != LUALEX_NAME) {
		give_up(p);
		return SLICE("?");
	}
	luaparse_advance(p);
	return name;
}

bool luaparse_enter(struct luaparse *p)
{
	if (++p->depth > MAX_DEPTH)
		give_up(p);
	return !p->source->broken;
}

/* Facts */

static struct fact_use use_at(const struct luaparse *p, unsigned line)
{
	return (struct fact_use){.source = p->source, .function = p->function, .line = line};
}

struct fact_expr *luaparse_expr_new(const struct luaparse *p, enum fact_kind kind)
{
	struct fact_expr *e = arena_zalloc(p->arena, sizeof(*e));

	e->kind = kind;
	e->line = p->t.line;
	return e;
}

void luaparse_add(const struct luaparse *p, struct fact_value **list, struct slice name,
		  struct fact_expr *e)
{
	struct fact_value *v = arena_alloc(p->arena, sizeof(*v));

	*v = (struct fact_value){*list, name, e};
	*list = v;
}

static struct fact_var *var_new(struct luaparse *p, struct slice name)
{
	struct fact_var *v = arena_zalloc(p->arena, sizeof(*v));

	v->name = name;
	v->source = p->source;
	v->line = p->line;
	v->next = p->facts->vars;
	p->facts->vars = v;
	return v;
}

struct fact_var *luaparse_declare(struct luaparse *p, struct slice name)
{
	struct luaparse_scope *s = arena_alloc(p->arena, sizeof(*s));

	*s = (struct luaparse_scope){p->scope, var_new(p, name)};
	p->scope = s;
	return s->var;
}

static bool is_tainting(struct slice name)
{
	static const char *const names[] = {"_G", "_ENV", "load", "loadfile", "dofile", "debug"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_eq(name, slice_str(names[i])))
			return true;
	return false;
}

struct fact_var *luaparse_find(struct luaparse *p, struct slice name)
{
	for (struct luaparse_scope *s = p->scope; s; s = s->outer)
		if (slice_eq(s->var->name, name))
			return s->var;
	p->facts->tainted |= is_tainting(name);
	struct fact_var *v = p->facts->globals;
	while (v && !slice_eq(v->name, name))
		v = v->next_global;
	if (v)
		return v;
	v = var_new(p, name);
	v->global = true;
	v->next_global = p->facts->globals;
	p->facts->globals = v;
	return v;
}

/* A use that raises when the variable is nil. */
static void need(const struct luaparse *p, const struct fact_expr *e)
{
	if (e->kind != FACT_VAR || !e->var->global)
		return;
	struct fact_use *use = arena_alloc(p->arena, sizeof(*use));
	*use = use_at(p, e->line);
	use->next = e->var->needs;
	e->var->needs = use;
}

struct fact_access *luaparse_access(struct luaparse *p, const struct fact_expr *index,
				    enum fact_access_kind kind)
{
	struct fact_access *a = arena_zalloc(p->arena, sizeof(*a));

	a->kind = kind;
	a->base = index->base;
	a->name = index->text;
	a->use = use_at(p, index->line);
	*p->facts->last_access = a;
	p->facts->last_access = &a->next;
	return a;
}

/* An expression is read: its value goes somewhere. */
static struct fact_expr *read_value(struct luaparse *p, struct fact_expr *e)
{
	if (e->kind == FACT_INDEX)
		luaparse_access(p, e, FACT_READ);
	else if (e->kind == FACT_VAR)
		e->var->reads++;
	return e;
}

/* Somewhere where nobody sees what becomes of it. */
void luaparse_give_away(struct luaparse *p, struct fact_expr *e)
{
	if (e->kind != FACT_OTHER && e->kind != FACT_STRING && e->kind != FACT_NIL)
		luaparse_add(p, &p->facts->loose, SLICE_NULL, e);
}

/* Functions */

static struct fact_var *read_param(struct luaparse *p, struct slice name)
{
	struct fact_var *v = luaparse_declare(p, name);

	v->param = true;
	return v;
}

static void read_params(struct luaparse *p, struct fact_function *f, bool method)
{
	struct fact_var *params[LUAPARSE_MAX_NAMES];
	unsigned n = 0;

	if (method) {
		params[n] = read_param(p, SLICE("self"));
		luaparse_add(p, &params[n++]->values, SLICE_NULL, luaparse_expr_new(p, FACT_OTHER));
	}
	luaparse_expect(p, "(");
	while (p->t.kind == LUALEX_NAME && n < LUAPARSE_MAX_NAMES) {
		params[n++] = read_param(p, luaparse_name(p));
		if (!luaparse_accept(p, ","))
			break;
	}
	luaparse_accept(p, "...");
	luaparse_expect(p, ")");
	f->params = arena_alloc(p->arena, (n + 1) * sizeof(struct fact_var *));
	memcpy(f->params, params, n * sizeof(struct fact_var *));
	f->n_params = n;
}

/* Behind the word "function" and a name. */
struct fact_expr *luaparse_function(struct luaparse *p, bool method)
{
	struct fact_expr *e = luaparse_expr_new(p, FACT_FUNCTION);
	struct fact_function *f = arena_zalloc(p->arena, sizeof(*f));
	struct luaparse_scope *scope = p->scope;

	f->outer = p->function;
	e->function = f;
	p->function = f;
	if (luaparse_enter(p)) {
		read_params(p, f, method);
		luaparse_block(p);
		luaparse_expect(p, "end");
	}
	p->depth--;
	p->function = f->outer;
	p->scope = scope;
	return e;
}

/* Tables */

/* "name =", "["name"] =": true, the value comes next. */
static bool read_key(struct luaparse *p, struct slice *name)
{
	*name = SLICE_NULL;
	if (luaparse_accept(p, "[")) {
		struct fact_expr *key = luaparse_expr(p);
		if (key->kind == FACT_STRING)
			*name = key->text;
		luaparse_give_away(p, key);
		luaparse_expect(p, "]");
		luaparse_expect(p, "=");
		return true;
	}
	struct lualex ahead = p->lex;
	struct lualex_token next;
	if (p->t.kind != LUALEX_NAME)
		return false;
	next = lualex_next(&ahead);
	if (!lualex_is(&next, "="))
		return false;
	*name = luaparse_name(p);
	luaparse_advance(p);
	return true;
}

static struct fact_expr *read_table(struct luaparse *p)
{
	struct fact_expr *e = luaparse_expr_new(p, FACT_TABLE);

	e->table = arena_zalloc(p->arena, sizeof(*e->table));
	e->table->next = p->facts->tables;
	p->facts->tables = e->table;
	luaparse_expect(p, "{");
	while (!luaparse_is(p, "}") && p->t.kind != LUALEX_END) {
		struct slice name;
		read_key(p, &name);
		struct fact_expr *value = luaparse_expr(p);
		luaparse_add(p, &e->table->fields, name, value);
		if (!luaparse_accept(p, ",") && !luaparse_accept(p, ";"))
			break;
	}
	luaparse_expect(p, "}");
	return e;
}

/* Calls */

/* Appends in order; true: the last one may be several values. */
bool luaparse_list(struct luaparse *p, struct fact_value **list)
{
	struct fact_value **tail = list;
	bool open;

	do {
		bool dots = luaparse_is(p, "...");
		struct fact_expr *e = luaparse_expr(p);
		luaparse_add(p, tail, SLICE_NULL, e);
		tail = &(*tail)->next;
		/* Calls, and what cannot be followed. */
		open = dots || e->kind == FACT_OTHER || e->kind == FACT_REQUIRE;
	} while (luaparse_accept(p, ","));
	return open;
}

static bool read_args(struct luaparse *p, struct fact_value **args)
{
	if (p->t.kind == LUALEX_STRING || luaparse_is(p, "{")) {
		struct fact_expr *e =
		    luaparse_is(p, "{") ? read_table(p) : luaparse_expr_new(p, FACT_STRING);
		if (e->kind == FACT_STRING) {
			e->text = p->t.text;
			luaparse_advance(p);
		}
		luaparse_add(p, args, SLICE_NULL, e);
		return false;
	}
	luaparse_expect(p, "(");
	bool open = !luaparse_is(p, ")") && luaparse_list(p, args);
	luaparse_expect(p, ")");
	return open;
}

static bool is_global(const struct fact_expr *e, const char *name)
{
	return e->kind == FACT_VAR && e->var->global && slice_eq(e->var->name, slice_str(name));
}

static bool sets_handler(struct slice name)
{
	return slice_starts(name, SLICE("t_on_"));
}

/* What becomes of arguments: handlers the check follows, the rest goes away. */
static void pass_args(struct luaparse *p, const struct fact_call *c)
{
	bool handler = c->callee->kind == FACT_INDEX && sets_handler(c->callee->text);

	for (struct fact_value *v = c->args; v; v = v->next) {
		if (!handler) {
			luaparse_give_away(p, v->expr);
		} else if (v->expr->kind == FACT_VAR) {
			need(p, v->expr);
			v->expr->var->reads--;
		}
	}
}

static struct fact_expr *require_of(struct luaparse *p, const struct fact_call *c)
{
	struct fact_value *arg = c->args;

	if (!is_global(c->callee, "require") || !arg || arg->expr->kind != FACT_STRING)
		return luaparse_expr_new(p, FACT_OTHER);
	struct fact_expr *e = luaparse_expr_new(p, FACT_REQUIRE);
	e->text = arg->expr->text;
	return e;
}

static struct fact_expr *read_call(struct luaparse *p, struct fact_expr *callee, bool method)
{
	struct fact_call *c = arena_zalloc(p->arena, sizeof(*c));

	c->callee = callee;
	c->method = method;
	c->use = use_at(p, p->line);
	if (callee->kind == FACT_INDEX)
		luaparse_access(p, callee, FACT_CALL);
	else
		need(p, callee);
	c->open = read_args(p, &c->args);
	*p->facts->last_call = c;
	p->facts->last_call = &c->next;
	pass_args(p, c);
	return require_of(p, c);
}

/* Expressions */

struct fact_expr *luaparse_index(struct luaparse *p, struct fact_expr *base, struct slice name,
				 unsigned line)
{
	struct fact_expr *e = luaparse_expr_new(p, FACT_INDEX);

	if (base->kind == FACT_INDEX)
		luaparse_access(p, base, FACT_READ);
	else
		need(p, base);
	e->base = base;
	e->text = name;
	e->line = line;
	return e;
}

/* Behind "[": of a key that is no constant the name is null. */
static struct fact_expr *read_bracket(struct luaparse *p, struct fact_expr *base)
{
	unsigned line = p->line;
	struct fact_expr *key = luaparse_expr(p);

	luaparse_expect(p, "]");
	luaparse_give_away(p, key);
	return luaparse_index(p, base, key->kind == FACT_STRING ? key->text : SLICE_NULL, line);
}

static struct fact_expr *read_primary(struct luaparse *p)
{
	if (luaparse_accept(p, "(")) {
		struct fact_expr *e = luaparse_expr(p);
		luaparse_expect(p, ")");
		return e;
	}
	struct fact_expr *e = luaparse_expr_new(p, FACT_VAR);
	e->var = luaparse_find(p, luaparse_name(p));
	return e;
}

static bool begins_args(const struct luaparse *p)
{
	return luaparse_is(p, "(") || luaparse_is(p, "{") || p->t.kind == LUALEX_STRING;
}

/* a.b["c"]:d(…) …; an index at its end is not read yet. called: it ends in a call. */
struct fact_expr *luaparse_suffixed(struct luaparse *p, bool *called)
{
	struct fact_expr *e = read_primary(p);

	*called = false;
	for (;;) {
		bool method = luaparse_is(p, ":");
		if (method || luaparse_is(p, ".")) {
			luaparse_advance(p);
			unsigned line = p->t.line;
			e = luaparse_index(p, e, luaparse_name(p), line);
			*called = false;
			if (!method)
				continue;
		} else if (luaparse_accept(p, "[")) {
			e = read_bracket(p, e);
			*called = false;
			continue;
		} else if (!begins_args(p)) {
			return e;
		}
		e = read_call(p, e, method);
		*called = true;
		if (p->source->broken)
			return e;
	}
}

static struct fact_expr *read_simple(struct luaparse *p)
{
	struct fact_expr *e = luaparse_expr_new(p, FACT_OTHER);
	bool called;

	if (p->t.kind == LUALEX_STRING) {
		e->kind = FACT_STRING;
		e->text = p->t.text;
	} else if (luaparse_is(p, "nil")) {
		e->kind = FACT_NIL;
	} else if (luaparse_is(p, "{")) {
		return read_table(p);
	} else if (luaparse_accept(p, "function")) {
		return luaparse_function(p, false);
	} else if (p->t.kind != LUALEX_NUMBER && !luaparse_is(p, "true") &&
		   !luaparse_is(p, "false") && !luaparse_is(p, "...")) {
		return read_value(p, luaparse_suffixed(p, &called));
	}
	luaparse_advance(p);
	return e;
}

static bool accept_one(struct luaparse *p, const char *const *symbols)
{
	for (; *symbols; symbols++)
		if (luaparse_accept(p, *symbols))
			return true;
	return false;
}

static bool accept_unary(struct luaparse *p)
{
	static const char *const symbols[] = {"not", "-", "#", "~", NULL};
	bool any = false;

	while (accept_one(p, symbols))
		any = true;
	return any;
}

/* Priorities do not matter: of what operators make only joined strings are followed. */
static bool accept_binary(struct luaparse *p)
{
	static const char *const symbols[] = {"and", "or", "+", "-", "*",  "/",  "//",
					      "%",   "^",  "&", "|", "~",  "<<", ">>",
					      "==",  "~=", "<", ">", "<=", ">=", NULL};
	return accept_one(p, symbols);
}

static struct fact_expr *join(struct luaparse *p, struct fact_expr *a, struct fact_expr *b)
{
	if (a->kind == FACT_STRING && b->kind == FACT_STRING) {
		a->text =
		    arena_printf(p->arena, "%.*s%.*s", SLICE_ARG(a->text), SLICE_ARG(b->text));
		return a;
	}
	luaparse_give_away(p, a);
	luaparse_give_away(p, b);
	return luaparse_expr_new(p, FACT_OTHER);
}

static struct fact_expr *combine(struct luaparse *p, struct fact_expr *a, struct fact_expr *b)
{
	luaparse_give_away(p, a);
	if (b)
		luaparse_give_away(p, b);
	return luaparse_expr_new(p, FACT_OTHER);
}

static struct fact_expr *read_operand(struct luaparse *p)
{
	bool unary = accept_unary(p);
	struct fact_expr *e = read_simple(p);

	return unary ? combine(p, e, NULL) : e;
}

struct fact_expr *luaparse_expr(struct luaparse *p)
{
	struct fact_expr *e = luaparse_expr_new(p, FACT_OTHER);

	if (luaparse_enter(p))
		e = read_operand(p);
	while (!p->source->broken) {
		if (luaparse_accept(p, ".."))
			e = join(p, e, read_operand(p));
		else if (accept_binary(p))
			e = combine(p, e, read_operand(p));
		else
			break;
	}
	p->depth--;
	return e;
}
