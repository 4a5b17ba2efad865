#include "script/luaparse.h"

static void read_away(struct luaparse *p)
{
	struct fact_value *list = NULL;

	luaparse_list(p, &list);
	for (; list; list = list->next)
		luaparse_give_away(p, list->expr);
}

/* A target is given a value, which is NULL when it cannot be followed. */
static void assign(struct luaparse *p, struct fact_expr *target, struct fact_expr *value)
{
	if (!value)
		value = luaparse_expr_new(p, FACT_OTHER);
	if (target->kind == FACT_VAR)
		luaparse_add(p, &target->var->values, SLICE_NULL, value);
	else if (target->kind == FACT_INDEX)
		luaparse_access(p, target, FACT_SET)->value = value;
	else
		luaparse_give_away(p, value);
}

static void assign_all(struct luaparse *p, struct fact_expr **targets, unsigned n,
		       struct fact_value *values, bool open)
{
	for (unsigned i = 0; i < n; i++) {
		struct fact_expr *value = values ? values->expr : NULL;
		if (!values && !open)
			value = luaparse_expr_new(p, FACT_NIL);
		assign(p, targets[i], value);
		values = values ? values->next : NULL;
	}
	for (; values; values = values->next)
		luaparse_give_away(p, values->expr);
}

static void read_local_function(struct luaparse *p)
{
	struct fact_var *v = luaparse_declare(p, luaparse_name(p));
	struct fact_expr *f = luaparse_function(p, false);

	luaparse_add(p, &v->values, SLICE_NULL, f);
}

static void read_local(struct luaparse *p)
{
	struct slice names[LUAPARSE_MAX_NAMES];
	struct fact_expr *targets[LUAPARSE_MAX_NAMES];
	struct fact_value *values = NULL;
	bool open = false;
	unsigned n = 0;

	do {
		names[n++] = luaparse_name(p);
		if (luaparse_accept(p, "<")) {
			luaparse_name(p);
			luaparse_expect(p, ">");
		}
	} while (n < LUAPARSE_MAX_NAMES && luaparse_accept(p, ","));
	if (luaparse_accept(p, "="))
		open = luaparse_list(p, &values);
	for (unsigned i = 0; i < n; i++) {
		targets[i] = luaparse_expr_new(p, FACT_VAR);
		targets[i]->var = luaparse_declare(p, names[i]);
	}
	assign_all(p, targets, n, values, open);
}

/* function a.b:c(…) … end */
static void read_function_statement(struct luaparse *p)
{
	struct fact_expr *target = luaparse_expr_new(p, FACT_VAR);
	bool method = false;

	target->var = luaparse_find(p, luaparse_name(p));
	while (!method && (luaparse_is(p, ".") || luaparse_is(p, ":"))) {
		method = luaparse_is(p, ":");
		luaparse_advance(p);
		target = luaparse_index(p, target, luaparse_name(p), p->line);
	}
	assign(p, target, luaparse_function(p, method));
}

static void read_assignment(struct luaparse *p, struct fact_expr *first)
{
	struct fact_expr *targets[LUAPARSE_MAX_NAMES] = {first};
	struct fact_value *values = NULL;
	unsigned n = 1;
	bool called;

	while (luaparse_accept(p, ",") && n < LUAPARSE_MAX_NAMES)
		targets[n++] = luaparse_suffixed(p, &called);
	luaparse_expect(p, "=");
	bool open = luaparse_list(p, &values);
	assign_all(p, targets, n, values, open);
}

static void read_expr_statement(struct luaparse *p)
{
	bool called;
	struct fact_expr *e = luaparse_suffixed(p, &called);

	if (!called || luaparse_is(p, "=") || luaparse_is(p, ","))
		read_assignment(p, e);
}

static void read_return(struct luaparse *p)
{
	struct fact_value *list = NULL;

	if (!luaparse_is(p, "end") && !luaparse_is(p, ";") && !luaparse_is(p, "else") &&
	    !luaparse_is(p, "elseif") && !luaparse_is(p, "until") && p->t.kind != LUALEX_END)
		luaparse_list(p, &list);
	luaparse_accept(p, ";");
	if (list && !p->function) {
		luaparse_add(p, &p->source->returned, SLICE_NULL, list->expr);
		list = list->next;
	}
	for (; list; list = list->next)
		luaparse_give_away(p, list->expr);
}

static void read_for(struct luaparse *p)
{
	struct slice names[LUAPARSE_MAX_NAMES];
	struct luaparse_scope *scope = p->scope;
	unsigned n = 0;

	do
		names[n++] = luaparse_name(p);
	while (n < LUAPARSE_MAX_NAMES && luaparse_accept(p, ","));
	if (!luaparse_accept(p, "="))
		luaparse_expect(p, "in");
	read_away(p);
	for (unsigned i = 0; i < n; i++)
		luaparse_add(p, &luaparse_declare(p, names[i])->values, SLICE_NULL,
			     luaparse_expr_new(p, FACT_OTHER));
	luaparse_expect(p, "do");
	luaparse_block(p);
	luaparse_expect(p, "end");
	p->scope = scope;
}

static void read_if(struct luaparse *p)
{
	do {
		luaparse_give_away(p, luaparse_expr(p));
		luaparse_expect(p, "then");
		luaparse_block(p);
	} while (luaparse_accept(p, "elseif"));
	if (luaparse_accept(p, "else"))
		luaparse_block(p);
	luaparse_expect(p, "end");
}

static void read_while(struct luaparse *p)
{
	luaparse_give_away(p, luaparse_expr(p));
	luaparse_expect(p, "do");
	luaparse_block(p);
	luaparse_expect(p, "end");
}

/* Its condition sees the locals of its block. */
static void read_statements(struct luaparse *p);

static void read_repeat(struct luaparse *p)
{
	struct luaparse_scope *scope = p->scope;

	read_statements(p);
	luaparse_expect(p, "until");
	luaparse_give_away(p, luaparse_expr(p));
	p->scope = scope;
}

static void read_statement(struct luaparse *p)
{
	if (luaparse_accept(p, ";") || luaparse_accept(p, "break"))
		return;
	if (luaparse_accept(p, "local")) {
		if (luaparse_accept(p, "function"))
			read_local_function(p);
		else
			read_local(p);
	} else if (luaparse_accept(p, "function")) {
		read_function_statement(p);
	} else if (luaparse_accept(p, "if")) {
		read_if(p);
	} else if (luaparse_accept(p, "while")) {
		read_while(p);
	} else if (luaparse_accept(p, "for")) {
		read_for(p);
	} else if (luaparse_accept(p, "repeat")) {
		read_repeat(p);
	} else if (luaparse_accept(p, "do")) {
		luaparse_block(p);
		luaparse_expect(p, "end");
	} else if (luaparse_accept(p, "goto")) {
		luaparse_name(p);
	} else if (luaparse_accept(p, "::")) {
		luaparse_name(p);
		luaparse_expect(p, "::");
	} else {
		read_expr_statement(p);
	}
}

static bool ends_block(const struct luaparse *p)
{
	return p->t.kind == LUALEX_END || luaparse_is(p, "end") || luaparse_is(p, "else") ||
	       luaparse_is(p, "elseif") || luaparse_is(p, "until");
}

static void read_statements(struct luaparse *p)
{
	if (luaparse_enter(p)) {
		while (!ends_block(p)) {
			if (luaparse_accept(p, "return")) {
				read_return(p);
				break;
			}
			read_statement(p);
		}
	}
	p->depth--;
}

void luaparse_block(struct luaparse *p)
{
	struct luaparse_scope *scope = p->scope;

	read_statements(p);
	p->scope = scope;
}

void luafacts_init(struct facts *f, struct arena *arena)
{
	*f = (struct facts){.arena = arena};
	f->last_access = &f->accesses;
	f->last_call = &f->calls;
}

struct fact_source *luafacts_read(struct facts *f, const char *path, struct slice module,
				  struct slice text)
{
	struct fact_source *s = arena_zalloc(f->arena, sizeof(*s));
	struct luaparse p = {.facts = f, .arena = f->arena, .source = s};

	*s = (struct fact_source){.next = f->sources, .path = path, .module = module};
	s->number = f->sources ? f->sources->number + 1 : 0;
	f->sources = s;
	lualex_init(&p.lex, f->arena, text);
	luaparse_advance(&p);
	luaparse_block(&p);
	if (p.t.kind != LUALEX_END)
		s->broken = true;
	return s;
}
