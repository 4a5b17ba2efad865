#include "script/run.h"

#include "script/message.h"
#include "script/object.h"

#include <stdlib.h>

enum {
	REPORT_MAX = 16384,
	REPORT_LINE_MAX = 1000,
	FIRST_RESULT = 2, /* of a handler, on its coroutine: above the object */
};

const char *const handler_names[HANDLER_COUNT] = {
    [HANDLER_REQUEST] = "request",
    [HANDLER_REPLY] = "reply",
    [HANDLER_FAILURE] = "failure",
    [HANDLER_BRANCH] = "branch",
};

bool run_message_alive(const struct run *r)
{
	return r->job.message->serial == r->message_serial;
}

static struct run *run_new(struct script *s)
{
	struct run *r = mem_zalloc(sizeof(*r));

	*r = (struct run){.script = s, .ref = LUA_NOREF};
	list_init(&r->node);
	list_push(&s->runs, &r->all);
	return r;
}

/* Protected. */
static void give_thread(struct run *r, lua_State *L)
{
	lua_State *co = lua_newthread(L);

	r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	r->co = co;
	state_limit(&r->script->state, co);
}

void run_free_all(struct script *s)
{
	struct list *node;

	while ((node = list_shift(&s->runs)))
		free(CONTAINER(node, struct run, all));
}

struct start {
	struct script *script;
	const struct run_job *job;
	struct run *run;
};

/* Protected: puts the handler's argument, the handler and its argument on a coroutine. */
static int prepare(lua_State *L)
{
	struct start *start = lua_touserdata(L, 1);
	struct list *idle = list_shift(&start->script->idle_runs);
	struct run *r = idle ? CONTAINER(idle, struct run, node) : run_new(start->script);

	start->run = r;
	r->job = *start->job;
	r->message_serial = r->job.message->serial;
	r->serial++;
	if (!r->co)
		give_thread(r, L);
	object_push(L, r);
	r->object = lua_touserdata(L, -1);
	lua_rawgeti(L, LUA_REGISTRYINDEX, r->job.function);
	lua_pushvalue(L, -2);
	lua_xmove(L, r->co, 3);
	return 0;
}

static void recycle(struct run *r)
{
	struct script *s = r->script;

	r->serial++;
	r->wait = WAIT_NONE;
	store_op_free(r->query);
	r->query = NULL;
	if (r->co) {
		lua_settop(r->co, 0);
		state_refresh(&s->state, r->co);
	}
	list_push(&s->idle_runs, &r->node);
}

static void log_lines(struct log *log, struct slice text)
{
	struct buf clean;

	buf_init(&clean, 4 * REPORT_LINE_MAX);
	while (text.n) {
		const char *lf = slice_chr(text, '\n');
		struct slice line = lf ? slice_range(text.p, lf) : text;
		text = lf ? slice_range(lf + 1, slice_end(text)) : SLICE("");
		if (line.n > REPORT_LINE_MAX)
			line.n = REPORT_LINE_MAX;
		buf_reset(&clean);
		log_clean(&clean, line, true);
		log_line(log, LOG_ERROR, buf_slice(&clean));
	}
	buf_free(&clean);
}

/* An error nobody caught: told with file, line and traceback, answered by done. */
static void report(struct run *r, const char *reason)
{
	struct buf text;

	buf_init(&text, REPORT_MAX);
	buf_printf(&text, "script: %s handler, ", handler_names[r->job.kind]);
	if (run_message_alive(r))
		message_name(r->job.message, &text);
	buf_puts(&text, ": ");
	state_traceback(&r->script->state, r->co, reason, &text);
	log_lines(r->script->log, buf_slice(&text));
	buf_free(&text);
}

/* Nothing of it is run any more: it goes with the garbage. */
static void drop_thread(struct run *r)
{
	luaL_unref(r->script->state.L, LUA_REGISTRYINDEX, r->ref);
	r->ref = LUA_NOREF;
	r->co = NULL;
}

/* The error's __tostring and the handler's __close run on what is left of its budget. */
static void end_thread(struct run *r, bool failed, const char *reason)
{
	struct state *state = &r->script->state;
	uint64_t *outer_budget = state->budget;
	lua_State *outer_running = state->running;

	state->budget = &r->budget;
	state->running = NULL;
	if (failed)
		report(r, reason);
	if (r->unlimited)
		drop_thread(r);
	else
		lua_resetthread(r->co);
	state->running = outer_running;
	state->budget = outer_budget;
	state_refresh(state, state->L);
}

/* reason: of a failure that is no Lua error, or NULL. */
static void finish(struct run *r, bool failed, const char *reason)
{
	struct script *s = r->script;

	s->counters.coroutines--;
	if (failed) {
		s->counters.errors++;
		end_thread(r, true, reason);
	}
	r->job.done(r, failed);
	recycle(r);
	script_rest(s);
}

/* Resumes r; the status. */
static int resume(struct run *r, int nargs)
{
	struct script *s = r->script;
	struct state *state = &s->state;
	uint64_t *outer_budget = state->budget;
	lua_State *outer_running = state->running;
	bool outer_raised = state->raised;

	r->outer = s->current;
	s->current = r;
	state->budget = &r->budget;
	state->running = r->co;
	state->raised = false;
	int results;
	int status = lua_resume(r->co, r->outer ? r->outer->co : state->L, nargs, &results);
	r->unlimited = state->raised;
	state->raised = outer_raised;
	state->running = outer_running;
	state->budget = outer_budget;
	s->current = r->outer;
	return status;
}

/* It was stopped, or has yielded by itself. */
static void finish_yielded(struct run *r, bool exhausted)
{
	const char *place = r->script->state.place;
	char reason[sizeof(r->script->state.place) + 50];

	snprintf(reason, sizeof(reason), "%s%s", exhausted ? place : "",
		 exhausted ? "too many instructions: an endless loop?"
			   : "a handler must not yield: only primitives wait");
	finish(r, true, reason);
}

static void enter(struct run *r, int nargs)
{
	struct state *state = &r->script->state;
	int status = resume(r, nargs);
	bool exhausted = state->exhausted;

	state->exhausted = false;
	if (status == LUA_YIELD && r->wait != WAIT_NONE && !exhausted)
		return;
	r->denied = status == LUA_OK && lua_isboolean(r->co, FIRST_RESULT) &&
		    !lua_toboolean(r->co, FIRST_RESULT);
	if (status == LUA_YIELD)
		finish_yielded(r, exhausted);
	else
		finish(r, status != LUA_OK, NULL);
}

int run_start(struct script *s, const struct run_job *job)
{
	struct start start = {s, job, NULL};
	struct buf why;

	buf_init(&why, REPORT_LINE_MAX);
	int failed = state_call(&s->state, prepare, &start, &why);
	if (failed) {
		log_error(s->log, "script: %s handler: %.*s", handler_names[job->kind],
			  SLICE_ARG(buf_slice(&why)));
		s->counters.errors++;
		if (start.run)
			recycle(start.run);
	}
	buf_free(&why);
	if (failed)
		return -1;
	s->counters.coroutines++;
	start.run->budget = s->settings.script_instructions;
	enter(start.run, 1);
	return 0;
}

static void forget_answer(struct run *r)
{
	r->refusal = (struct refusal){0};
	r->auth = AUTH_NONE;
	r->identity = (struct auth_identity){0};
	r->answer = (struct registrar_answer){0};
	r->error = STORE_OK;
	r->found = 0;
}

struct run *run_begin_wait(lua_State *L, struct message *m, const char *primitive)
{
	struct run *r = state_owner(L)->current;

	if (!r) {
		luaL_error(L, "%s outside a handler", primitive);
		return NULL; /* not reached */
	}
	if (r->job.kind == HANDLER_REPLY || r->job.kind == HANDLER_BRANCH)
		luaL_error(L, "%s may have to wait, and a %s handler must not", primitive,
			   handler_names[r->job.kind]);
	if (r->job.message != m)
		luaL_error(L, "%s of a message that another handler works on", primitive);
	if (L != r->co || !lua_isyieldable(L))
		luaL_error(L,
			   "%s may have to wait, and cannot inside a coroutine, sort or other "
			   "callback of the script's own",
			   primitive);
	r->wait = WAIT_STARTED;
	r->on_store = false;
	forget_answer(r);
	return r;
}

struct run *run_begin_store_wait(lua_State *L, struct message *m, const char *primitive)
{
	struct run *r = run_begin_wait(L, m, primitive);

	r->on_store = true;
	return r;
}

struct message *run_message(lua_State *L, const char *primitive)
{
	struct run *r = state_owner(L)->current;

	if (!r)
		luaL_error(L, "%s outside a handler", primitive);
	return r ? r->job.message : NULL;
}

/* Who waits for the store is counted: there is a limit (store/patience). */
static void count_parked(struct run *r, int change)
{
	struct script *s = r->script;

	s->counters.parked += (unsigned)change;
	if (r->on_store && s->host->patience)
		s->host->patience->parked += (unsigned)change;
}

void run_wake(struct run *r)
{
	if (r->wait != WAIT_PARKED) {
		r->wait = WAIT_READY;
		return;
	}
	r->wait = WAIT_NONE;
	count_parked(r, -1);
	if (run_message_alive(r)) {
		enter(r, 0);
		return;
	}
	/* The message ended meanwhile: there is nothing left to do for it. */
	r->script->counters.coroutines--;
	end_thread(r, false, NULL);
	recycle(r);
	script_rest(r->script);
}

/* A script that keeps the coroutine can resume it; the answer is not there then. */
static int go_on(lua_State *L, int status, lua_KContext context)
{
	const struct run *r = (struct run *)context;

	if (r->wait != WAIT_NONE)
		return luaL_error(L, "a route that waits goes on by itself: it cannot be resumed");
	return r->k(L, status, context);
}

int run_wait(lua_State *L, struct run *r, lua_KFunction k)
{
	if (r->wait == WAIT_READY) {
		r->wait = WAIT_NONE;
		return k(L, LUA_OK, (lua_KContext)r);
	}
	r->wait = WAIT_PARKED;
	r->k = k;
	count_parked(r, 1);
	return lua_yieldk(L, 0, (lua_KContext)r, go_on);
}
