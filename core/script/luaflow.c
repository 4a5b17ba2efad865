#include "script/luaflow.h"

#include "script/run.h"

enum {
	MAX_ROUNDS = 200,
	MAX_OBJECTS = 64, /* that one thing may hold; more go where nobody sees them */
};

struct flow {
	struct facts *facts;
	bool changed;
};

static void add_types(struct flow *w, struct fact_holds *h, unsigned types)
{
	if ((h->types | types) == h->types)
		return;
	h->types |= types;
	w->changed = true;
}

static void escape_function(struct flow *w, struct fact_function *f)
{
	if (f->escaped)
		return;
	f->escaped = true;
	w->changed = true;
	for (unsigned i = 0; i < f->n_params; i++)
		add_types(w, &f->params[i]->holds, LUAFLOW_OTHER);
}

static void escape_table(struct flow *w, struct fact_table *t)
{
	w->changed |= !t->escaped;
	t->escaped = true;
}

static void escape_object(struct flow *w, struct fact_function *function, struct fact_table *table)
{
	if (function)
		escape_function(w, function);
	if (table)
		escape_table(w, table);
}

/* What goes where nobody sees it. */
static void escape(struct flow *w, const struct fact_holds *h)
{
	for (struct fact_object *o = h->objects; o; o = o->next)
		escape_object(w, o->function, o->table);
}

static void add_object(struct flow *w, struct fact_holds *h, struct fact_function *function,
		       struct fact_table *table)
{
	for (struct fact_object *o = h->objects; o; o = o->next)
		if (o->function == function && o->table == table)
			return;
	if (h->n_objects == MAX_OBJECTS) {
		add_types(w, h, LUAFLOW_OTHER);
		escape_object(w, function, table);
		return;
	}
	h->n_objects++;
	struct fact_object *fresh = arena_alloc(w->facts->arena, sizeof(*fresh));
	*fresh = (struct fact_object){h->objects, function, table};
	h->objects = fresh;
	w->changed = true;
}

static void merge(struct flow *w, struct fact_holds *into, const struct fact_holds *from)
{
	add_types(w, into, from->types);
	for (struct fact_object *o = from->objects; o; o = o->next)
		add_object(w, into, o->function, o->table);
}

/* Expressions */

static bool named(const struct fact_value *field, struct slice name)
{
	return !field->name.p || !name.p || slice_eq(field->name, name);
}

static void merge_fields(struct flow *w, struct fact_holds *into, const struct fact_holds *base,
			 struct slice name)
{
	for (struct fact_object *o = base->objects; o; o = o->next) {
		if (!o->table)
			continue;
		if (o->table->escaped)
			add_types(w, into, LUAFLOW_OTHER);
		for (struct fact_value *v = o->table->fields; v; v = v->next)
			if (named(v, name))
				merge(w, into, &v->expr->holds);
	}
}

/* A field of what is no table of ours. */
static unsigned field_types(const struct fact_holds *base, struct slice name)
{
	unsigned types = 0;

	if (base->types & (LUAFLOW_REPLY | LUAFLOW_BRANCH))
		types |= slice_eq(name, SLICE("request")) ? LUAFLOW_REQUEST : LUAFLOW_OTHER;
	if (base->types & LUAFLOW_MODULE)
		types |= slice_eq(name, SLICE("xlog")) ? LUAFLOW_XLOG
			 : slice_eq(name, SLICE("db")) ? LUAFLOW_DB
						       : LUAFLOW_OTHER;
	if (base->types & (LUAFLOW_REQUEST | LUAFLOW_XLOG | LUAFLOW_DB | LUAFLOW_OTHER))
		types |= LUAFLOW_OTHER;
	if ((base->types & LUAFLOW_KNOWN) && !base->objects)
		types |= LUAFLOW_OTHER;
	return types;
}

struct fact_source *luaflow_module(const struct facts *f, struct slice name)
{
	for (struct fact_source *s = f->sources; s; s = s->next)
		if (s->module.p && slice_eq(s->module, name))
			return s;
	return NULL;
}

static void evaluate_require(struct flow *w, struct fact_expr *e)
{
	struct fact_source *s = luaflow_module(w->facts, e->text);

	if (slice_eq(e->text, SLICE("lunasip")))
		add_types(w, &e->holds, LUAFLOW_MODULE);
	else if (!s || s->broken)
		add_types(w, &e->holds, LUAFLOW_OTHER);
	for (struct fact_value *v = s ? s->returned : NULL; v; v = v->next)
		merge(w, &e->holds, &v->expr->holds);
}

static struct fact_holds *evaluate(struct flow *w, struct fact_expr *e)
{
	switch (e->kind) {
	case FACT_OTHER:
		add_types(w, &e->holds, LUAFLOW_OTHER);
		break;
	case FACT_NIL:
		break;
	case FACT_STRING:
		add_types(w, &e->holds, LUAFLOW_KNOWN);
		break;
	case FACT_FUNCTION:
	case FACT_TABLE:
		add_types(w, &e->holds, LUAFLOW_KNOWN);
		add_object(w, &e->holds, e->function, e->table);
		break;
	case FACT_VAR:
		merge(w, &e->holds, &e->var->holds);
		break;
	case FACT_INDEX:
		evaluate(w, e->base);
		add_types(w, &e->holds, field_types(&e->base->holds, e->text));
		merge_fields(w, &e->holds, &e->base->holds, e->text);
		break;
	case FACT_REQUIRE:
		evaluate_require(w, e);
		break;
	}
	return &e->holds;
}

/* Handlers */

static void call_with(struct flow *w, const struct fact_holds *callee, unsigned types)
{
	for (struct fact_object *o = callee->objects; o; o = o->next) {
		if (!o->function)
			continue;
		w->changed |= !o->function->reached;
		o->function->reached = true;
		if (o->function->n_params)
			add_types(w, &o->function->params[0]->holds, types);
	}
}

static unsigned argument_of(enum handler kind)
{
	switch (kind) {
	case HANDLER_REPLY:
		return LUAFLOW_REPLY;
	case HANDLER_BRANCH:
		return LUAFLOW_BRANCH;
	default:
		return LUAFLOW_REQUEST;
	}
}

/* In the table that the script returns. */
static void start_handler(struct flow *w, const struct fact_holds *returned, enum handler kind)
{
	for (struct fact_object *o = returned->objects; o; o = o->next)
		for (struct fact_value *v = o->table ? o->table->fields : NULL; v; v = v->next)
			if (named(v, slice_str(handler_names[kind])))
				call_with(w, &v->expr->holds, argument_of(kind));
}

static void start_handlers(struct flow *w, const struct fact_source *script)
{
	for (struct fact_value *v = script->returned; v; v = v->next)
		for (int i = 0; i < HANDLER_COUNT; i++)
			start_handler(w, &v->expr->holds, (enum handler)i);
}

/* Calls */

static int set_by(struct slice name)
{
	if (!slice_starts(name, SLICE("t_on_")))
		return -1;
	for (int i = 0; i < HANDLER_COUNT; i++)
		if (slice_eq(slice_range(name.p + 5, slice_end(name)), slice_str(handler_names[i])))
			return i;
	return -1;
}

/* req:t_on_reply(f): f becomes a handler; of what is no request, it goes away. */
static void set_handler(struct flow *w, const struct fact_call *c)
{
	const struct fact_holds *base = &c->callee->base->holds;
	int kind = set_by(c->callee->text);

	for (struct fact_value *v = c->args; v; v = v->next) {
		if (kind < 0 || v != c->args || base->types & (LUAFLOW_OTHER | LUAFLOW_KNOWN))
			escape(w, &v->expr->holds);
		else if (base->types & LUAFLOW_REQUEST)
			call_with(w, &v->expr->holds, argument_of((enum handler)kind));
	}
}

static void pass(struct flow *w, const struct fact_call *c, const struct fact_function *f)
{
	struct fact_value *arg = c->args;

	for (unsigned i = 0; i < f->n_params; i++) {
		struct fact_holds *param = &f->params[i]->holds;
		if (i == 0 && c->method) {
			merge(w, param, &c->callee->base->holds);
		} else if (arg) {
			merge(w, param, &arg->expr->holds);
			arg = arg->next;
		} else if (c->open) {
			add_types(w, param, LUAFLOW_OTHER);
		}
	}
}

bool luaflow_runs(const struct fact_use *use)
{
	if (use->function && !use->function->reached)
		return false;
	for (const struct fact_function *f = use->function; f; f = f->outer)
		if (f->escaped)
			return false;
	return true;
}

static void follow_call(struct flow *w, const struct fact_call *c)
{
	struct fact_holds *callee = evaluate(w, c->callee);
	bool runs = luaflow_runs(&c->use);

	for (struct fact_value *v = c->args; v; v = v->next)
		evaluate(w, v->expr);
	for (struct fact_object *o = callee->objects; o; o = o->next) {
		if (!o->function)
			continue;
		pass(w, c, o->function);
		w->changed |= runs && !o->function->reached;
		o->function->reached |= runs;
	}
	if (c->callee->kind == FACT_INDEX && slice_starts(c->callee->text, SLICE("t_on_")))
		set_handler(w, c);
}

static bool has_value(const struct fact_table *t, const struct fact_expr *e)
{
	struct fact_value *v = t->fields;

	while (v && v->expr != e)
		v = v->next;
	return v;
}

/* base.name = value */
static void follow_set(struct flow *w, struct fact_access *a)
{
	struct fact_holds *base = evaluate(w, a->base), *value = evaluate(w, a->value);

	if (base->types & ~(unsigned)LUAFLOW_KNOWN)
		escape(w, value);
	for (struct fact_object *o = base->objects; o; o = o->next) {
		if (!o->table || o->table == a->into || has_value(o->table, a->value))
			continue;
		struct fact_value *fresh = arena_alloc(w->facts->arena, sizeof(*fresh));
		*fresh = (struct fact_value){o->table->fields, a->name, a->value};
		o->table->fields = fresh;
		a->into = o->table;
		w->changed = true;
	}
}

static void follow_tables(struct flow *w)
{
	for (struct fact_table *t = w->facts->tables; t; t = t->next)
		for (struct fact_value *v = t->fields; v; v = v->next) {
			evaluate(w, v->expr);
			if (t->escaped)
				escape(w, &v->expr->holds);
		}
}

static void follow_vars(struct flow *w)
{
	for (struct fact_var *v = w->facts->vars; v; v = v->next) {
		if (v->global && (!v->values || w->facts->tainted))
			add_types(w, &v->holds, LUAFLOW_OTHER);
		for (struct fact_value *value = v->values; value; value = value->next) {
			merge(w, &v->holds, evaluate(w, value->expr));
			if (v->global && w->facts->tainted)
				escape(w, &value->expr->holds);
		}
	}
}

static void follow_all(struct flow *w)
{
	follow_vars(w);
	follow_tables(w);
	for (struct fact_source *s = w->facts->sources; s; s = s->next)
		for (struct fact_value *v = s->returned; v; v = v->next)
			evaluate(w, v->expr);
	for (struct fact_access *a = w->facts->accesses; a; a = a->next) {
		evaluate(w, a->base);
		if (a->kind == FACT_SET)
			follow_set(w, a);
	}
	for (struct fact_call *c = w->facts->calls; c; c = c->next)
		follow_call(w, c);
	for (struct fact_value *v = w->facts->loose; v; v = v->next)
		escape(w, evaluate(w, v->expr));
}

bool luaflow_solve(struct facts *f)
{
	struct flow w = {f, true};

	for (unsigned round = 0; w.changed && round < MAX_ROUNDS; round++) {
		w.changed = false;
		follow_all(&w);
		for (struct fact_source *s = f->sources; s; s = s->next)
			if (!s->module.p)
				start_handlers(&w, s);
	}
	return !w.changed;
}
