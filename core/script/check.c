#include "script/check.h"

#include "script/luaflow.h"
#include "script/module.h"
#include "script/nearest.h"
#include "script/node.h"
#include "script/object.h"
#include "script/query.h"
#include "script/xlog.h"

#include <string.h>

enum {
	MAX_SOURCES = 200,
	MAX_TOLD = 10, /* mistakes; of more only the number is told */
	MAX_WHAT_BYTES = 400,
};

struct mistake {
	struct mistake *next;
	struct fact_use use;
	struct slice what;
};

struct check {
	struct arena arena;
	struct facts facts;
	lua_State *L;
	struct mistake *mistakes; /* by source and line */
	struct buf what;          /* of the mistake at hand */
};

/* Mistakes */

static bool is_before(const struct fact_use *a, const struct fact_use *b)
{
	if (a->source != b->source)
		return a->source->number < b->source->number;
	return a->line < b->line;
}

/* What c->what says, once; empties it. */
static void tell(struct check *c, const struct fact_use *use, unsigned line)
{
	struct mistake **at = &c->mistakes;
	struct fact_use place = *use;
	struct slice what = buf_slice(&c->what);
	bool told = false;

	place.line = line;
	for (; *at && !is_before(&place, &(*at)->use); at = &(*at)->next)
		told |= (*at)->use.line == line && slice_eq((*at)->what, what) &&
			(*at)->use.source == use->source;
	if (!told) {
		struct mistake *m = arena_alloc(&c->arena, sizeof(*m));
		*m = (struct mistake){*at, place, arena_dup(&c->arena, what)};
		*at = m;
	}
	buf_reset(&c->what);
}

/* Members */

enum { MEMBER_METHOD = 1, MEMBER_FIELD = 2, MEMBER_SETTABLE = 4 };

static const struct {
	enum luaflow_type flow;
	const struct object_type *type;
} object_types[] = {
    {LUAFLOW_REQUEST, &request_type},
    {LUAFLOW_REPLY, &reply_type},
    {LUAFLOW_BRANCH, &branch_type},
};

enum {
	N_OBJECT_TYPES = sizeof(object_types) / sizeof(*object_types),
	OBJECTS = LUAFLOW_REQUEST | LUAFLOW_REPLY | LUAFLOW_BRANCH,
};

static unsigned member_of(const struct object_type *type, struct slice name)
{
	for (const luaL_Reg *m = type->methods; m->name; m++)
		if (slice_eq(name, slice_str(m->name)))
			return MEMBER_METHOD;
	for (const struct field *f = type->fields; f->name; f++)
		if (slice_eq(name, slice_str(f->name)))
			return MEMBER_FIELD | (f->set ? MEMBER_SETTABLE : 0);
	return 0;
}

/* Of any of these types. */
static unsigned members_of(unsigned types, struct slice name)
{
	unsigned members = 0;

	for (unsigned i = 0; i < N_OBJECT_TYPES; i++)
		if (types & object_types[i].flow)
			members |= member_of(object_types[i].type, name);
	return members;
}

/* It holds such objects, and nothing else. */
static bool is_object(const struct fact_expr *e)
{
	return e->holds.types && !(e->holds.types & ~(unsigned)OBJECTS);
}

static void put_types(struct buf *out, unsigned types)
{
	const char *between = "a ";

	for (unsigned i = 0; i < N_OBJECT_TYPES; i++)
		if (types & object_types[i].flow) {
			buf_printf(out, "%s%s", between,
				   object_types[i].type->name + sizeof("lunasip"));
			between = " or ";
		}
}

static void unknown_member(struct check *c, const struct fact_access *a, unsigned types)
{
	struct nearest near;

	nearest_init(&near, a->name);
	for (unsigned i = 0; i < N_OBJECT_TYPES; i++)
		if (types & object_types[i].flow)
			object_nearest(&near, object_types[i].type);
	put_types(&c->what, types);
	buf_printf(&c->what, " has no method or field '%.*s'", SLICE_ARG(a->name));
	nearest_say(&near, &c->what);
	tell(c, &a->use, a->use.line);
}

static void check_member(struct check *c, const struct fact_access *a)
{
	unsigned types = a->base->holds.types;
	unsigned members = members_of(types, a->name);

	if (!members) {
		/* A module may have its functions for other scripts, and other objects, too. */
		if (!a->use.source->module.p || !members_of(OBJECTS, a->name))
			unknown_member(c, a, types);
	} else if (a->kind == FACT_SET && !(members & MEMBER_SETTABLE)) {
		buf_printf(&c->what, "'%.*s' of ", SLICE_ARG(a->name));
		put_types(&c->what, types);
		buf_puts(&c->what, " cannot be set");
		tell(c, &a->use, a->use.line);
	} else if (a->kind == FACT_CALL && !(members & MEMBER_METHOD)) {
		buf_printf(&c->what, "'%.*s' of ", SLICE_ARG(a->name));
		put_types(&c->what, types);
		buf_puts(&c->what, " is a field, it cannot be called");
		tell(c, &a->use, a->use.line);
	}
}

/* The module */

/* Elsewhere it is set, or looked at before it is called. */
static bool is_mentioned(const struct check *c, unsigned whose, struct slice name)
{
	for (const struct fact_access *a = c->facts.accesses; a; a = a->next)
		if (a->kind != FACT_CALL && (!a->name.p || slice_eq(a->name, name)) &&
		    a->base->holds.types & whose)
			return true;
	return false;
}

/* functions: all that the module, or its db, has. */
static void check_module(struct check *c, const struct fact_access *a, const luaL_Reg *functions)
{
	struct nearest near;

	nearest_init(&near, a->name);
	for (const luaL_Reg *f = functions; f->name; f++) {
		if (slice_eq(a->name, slice_str(f->name)))
			return;
		nearest_try(&near, slice_str(f->name));
	}
	if (a->kind != FACT_CALL || is_mentioned(c, a->base->holds.types, a->name))
		return;
	buf_printf(&c->what, "lunasip%s has no function '%.*s'",
		   functions == query_functions ? ".db" : "", SLICE_ARG(a->name));
	nearest_say(&near, &c->what);
	tell(c, &a->use, a->use.line);
}

static void check_access(struct check *c, const struct fact_access *a)
{
	if (!a->name.p || !luaflow_runs(&a->use))
		return;
	if (is_object(a->base))
		check_member(c, a);
	else if (a->base->holds.types == LUAFLOW_MODULE)
		check_module(c, a, module_functions);
	else if (a->base->holds.types == LUAFLOW_DB)
		check_module(c, a, query_functions);
}

/* Calls */

/* The text that e is for sure, or a null slice. */
static struct slice constant_of(const struct fact_expr *e)
{
	if (e->kind == FACT_STRING)
		return e->text;
	const struct fact_var *v = e->kind == FACT_VAR ? e->var : NULL;
	if (!v || v->param || v->global || !v->values || v->values->next)
		return SLICE_NULL;
	return v->values->expr->kind == FACT_STRING ? v->values->expr->text : SLICE_NULL;
}

static void check_format(struct check *c, const struct fact_call *call)
{
	const struct fact_value *first = call->args, *second = first ? first->next : NULL;
	enum log_level level;

	if (!first || (!second && call->open) || (second && second->expr->kind == FACT_NIL))
		return;
	struct slice name = second ? constant_of(first->expr) : SLICE_NULL;
	if (name.p && log_level_parse(name, &level)) {
		buf_printf(&c->what, "'%.*s' is no level: L_ERR, L_WARN, L_NOTICE, L_INFO, L_DBG",
			   SLICE_ARG(name));
		tell(c, &call->use, first->expr->line);
	}
	const struct fact_expr *format = second ? second->expr : first->expr;
	struct slice text = constant_of(format);
	if (text.p && xlog_check(text, &c->what))
		tell(c, &call->use, format->line);
}

static void check_table(struct check *c, const struct fact_call *call)
{
	struct slice name = call->args ? constant_of(call->args->expr) : SLICE_NULL;

	if (!name.p || node_has_table(name))
		return;
	buf_printf(&c->what, "there is no location table '%.*s'", SLICE_ARG(name));
	tell(c, &call->use, call->args->expr->line);
}

static void check_handler(struct check *c, const struct fact_call *call)
{
	if (!call->args || call->args->expr->kind != FACT_STRING)
		return;
	buf_printf(&c->what, "%.*s takes a function, not its name", SLICE_ARG(call->callee->text));
	tell(c, &call->use, call->args->expr->line);
}

/* req.save("location"): the object is missing. */
static void check_colon(struct check *c, const struct fact_call *call)
{
	const struct fact_value *first = call->args;
	struct slice name = call->callee->text;

	if (first ? first->expr->holds.types != LUAFLOW_KNOWN : call->open)
		return;
	if (!(members_of(call->callee->base->holds.types, name) & MEMBER_METHOD))
		return;
	buf_printf(&c->what, "'%.*s' is called with a colon: req:%.*s(…)", SLICE_ARG(name),
		   SLICE_ARG(name));
	tell(c, &call->use, call->callee->line);
}

static void check_call(struct check *c, const struct fact_call *call)
{
	bool member = call->callee->kind == FACT_INDEX && is_object(call->callee->base);
	struct slice name = call->callee->text;

	if (!luaflow_runs(&call->use))
		return;
	if (call->callee->holds.types == LUAFLOW_XLOG)
		check_format(c, call);
	if (!member)
		return;
	if (!call->method)
		check_colon(c, call);
	else if (slice_eq(name, SLICE("xlog")))
		check_format(c, call);
	else if (slice_eq(name, SLICE("lookup")) || slice_eq(name, SLICE("save")))
		check_table(c, call);
	else if (slice_starts(name, SLICE("t_on_")))
		check_handler(c, call);
}

/* Globals: names that stand for nothing, and are called or indexed. */

/* Keys are looked at in place: nothing is allocated. */
static bool is_defined(const struct check *c, struct slice name, struct nearest *near)
{
	lua_State *L = c->L;
	bool found = false;

	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (lua_type(L, -2) == LUA_TSTRING) {
			found |= slice_eq(name, state_slice(L, -2));
			nearest_try(near, state_slice(L, -2));
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return found;
}

/* The first that is certain to raise. */
static const struct fact_use *need_of(const struct fact_var *v)
{
	const struct fact_use *first = NULL;

	for (const struct fact_use *u = v->needs; u; u = u->next)
		if (luaflow_runs(u) && (!first || is_before(u, first)))
			first = u;
	return first;
}

static void check_global(struct check *c, const struct fact_var *v)
{
	const struct fact_use *use = v->values || v->reads ? NULL : need_of(v);
	const struct fact_var *later = NULL;
	struct nearest near;

	nearest_init(&near, v->name);
	if (!use || is_defined(c, v->name, &near))
		return;
	for (const struct fact_var *other = c->facts.vars; other; other = other->next)
		if (slice_eq(other->name, v->name))
			later = other->global || other->source != use->source ? later : other;
		else if (!other->global || other->values)
			nearest_try(&near, other->name);
	buf_printf(&c->what, "nothing is called '%.*s' here", SLICE_ARG(v->name));
	if (later)
		buf_printf(&c->what, ": the local of that name is in line %u", later->line);
	else
		nearest_say(&near, &c->what);
	tell(c, use, use->line);
}

/* Sources: the script, and what it requires from its own folder. */

static bool read_text(struct source *files, const char *path, struct slice *text)
{
	struct buf why;

	buf_init(&why, MAX_WHAT_BYTES);
	bool found = source_read(files, path, text, &why) == 0;
	buf_free(&why);
	return found;
}

/* NAME.lua or NAME/init.lua beside the script, as require finds it. */
static void read_module(struct check *c, const char *script, struct slice name,
			struct source *files)
{
	static const char *const tails[] = {".lua", "/init.lua"};
	const char *slash = strrchr(script, '/');
	struct slice folder = slash ? slice_range(script, slash) : SLICE(".");
	char *file = arena_strz(&c->arena, name);

	for (char *p = file; *p; p++)
		if (*p == '.')
			*p = '/';
	for (unsigned i = 0; i < 2; i++) {
		struct slice text,
		    path = arena_printf(&c->arena, "%.*s/%s%s", SLICE_ARG(folder), file, tails[i]);
		if (!read_text(files, path.p, &text))
			continue;
		luafacts_read(&c->facts, path.p, name, text);
		return;
	}
}

/* Where modules come from is changed, so we do not know what require finds. */
static bool changes_require(const struct check *c)
{
	for (const struct fact_access *a = c->facts.accesses; a; a = a->next)
		if (a->kind == FACT_SET && a->base->kind == FACT_VAR && a->base->var->global &&
		    slice_eq(a->base->var->name, SLICE("package")))
			return true;
	return false;
}

/* The module that a call of require names, and that nobody has read yet, or a null slice. */
static struct slice required_by(const struct check *c, const struct fact_call *call)
{
	const struct fact_value *arg = call->args;
	struct nearest ignored = {0};

	if (call->callee->kind != FACT_VAR || !call->callee->var->global ||
	    !slice_eq(call->callee->var->name, SLICE("require")) || !arg ||
	    arg->expr->kind != FACT_STRING || luaflow_module(&c->facts, arg->expr->text) ||
	    slice_eq(arg->expr->text, SLICE("lunasip")) ||
	    is_defined(c, arg->expr->text, &ignored)) /* "string" and the like */
		return SLICE_NULL;
	return arg->expr->text;
}

/* Calls are added at the end of the list, so that modules of modules are found too. */
static void read_sources(struct check *c, const char *path, struct slice text, struct source *files)
{
	luafacts_read(&c->facts, path, SLICE_NULL, text);

	for (struct fact_call *call = c->facts.calls; call; call = call->next) {
		struct slice name = required_by(c, call);
		if (name.p && c->facts.sources->number < MAX_SOURCES && !changes_require(c))
			read_module(c, path, name, files);
	}
	for (struct fact_source *s = c->facts.sources; s; s = s->next)
		c->facts.tainted |= s->broken;
}

static void look(struct check *c)
{
	if (!luaflow_solve(&c->facts))
		return;
	for (struct fact_access *a = c->facts.accesses; a; a = a->next)
		check_access(c, a);
	for (struct fact_call *call = c->facts.calls; call; call = call->next)
		check_call(c, call);
	for (struct fact_var *v = c->facts.globals; v && !c->facts.tainted; v = v->next_global)
		check_global(c, v);
}

static int report(const struct check *c, struct buf *why)
{
	unsigned n = 0;

	for (const struct mistake *m = c->mistakes; m; m = m->next) {
		if (n++ < MAX_TOLD)
			buf_printf(why, "%s%s:%u: %.*s", n > 1 ? "\n" : "", m->use.source->path,
				   m->use.line, SLICE_ARG(m->what));
	}
	if (n > MAX_TOLD)
		buf_printf(why, "\n… and %u more", n - MAX_TOLD);
	return n ? -1 : 0;
}

int check_script(lua_State *L, const char *path, struct slice text, struct source *files,
		 struct buf *why)
{
	struct check c = {.L = L};

	arena_init(&c.arena, 16384);
	buf_init(&c.what, MAX_WHAT_BYTES);
	luafacts_init(&c.facts, &c.arena);
	read_sources(&c, path, text, files);
	look(&c);
	int status = report(&c, why);
	buf_free(&c.what);
	arena_free(&c.arena);
	return status;
}
