#include "script/message.h"

#include "sip/reply.h"

#include <stdlib.h>

static void reset(struct message *m)
{
	struct script *s = m->script;
	struct list node = m->node;
	uint64_t serial = m->serial;

	*m = (struct message){.node = node, .script = s, .serial = serial + 1, .vars = LUA_NOREF};
	for (int i = 0; i < HANDLER_COUNT; i++)
		m->handlers[i] = LUA_NOREF;
}

struct message *message_new(struct script *s, struct context *c)
{
	struct list *idle = list_shift(&s->idle_messages);
	struct message *m = idle ? CONTAINER(idle, struct message, node) : mem_zalloc(sizeof(*m));

	if (!idle) {
		list_init(&m->node);
		m->script = s;
	}
	reset(m);
	m->context = c;
	m->id = ++s->next_id * s->host->workers - s->host->worker; /* no two workers have one */
	s->counters.alive++;
	s->counters.messages++;
	return m;
}

/* luaL_unref only sets fields that are there: it cannot fail. */
void message_end(struct message *m)
{
	struct script *s = m->script;

	luaL_unref(s->state.L, LUA_REGISTRYINDEX, m->vars);
	for (int i = 0; i < HANDLER_COUNT; i++)
		luaL_unref(s->state.L, LUA_REGISTRYINDEX, m->handlers[i]);
	reset(m);
	list_push(&s->idle_messages, &m->node);
	s->counters.alive--;
	script_rest(s);
}

void message_free_all(struct script *s)
{
	struct list *node;

	while ((node = list_shift(&s->idle_messages)))
		free(CONTAINER(node, struct message, node));
}

int message_handler(const struct message *m, enum handler kind)
{
	int own = m->handlers[kind];

	if (own == LUA_REFNIL)
		return LUA_NOREF;
	return own == LUA_NOREF ? m->script->handlers[kind] : own;
}

void message_refuse(struct message *m, unsigned status, const char *reason)
{
	m->refusal = (struct refusal){status, reason};
	m->refusal_headers = SLICE("");
}

void message_refuse_busy(struct message *m)
{
	message_refuse(m, 503, reply_phrase(503));
	m->refusal_headers =
	    registrar_retry_after(m->script->host->env, &m->context->request->arena);
}

void message_name(const struct message *m, struct buf *out)
{
	const struct msg *msg = context_msg(m->context);

	log_clean(out, msg->method_text, false);
	buf_putc(out, ' ');
	log_clean(out, msg->call_id, false);
}

/* The proxy's calls: reply and branch handlers must not wait. */

static void reply_done(struct run *r, bool failed)
{
	if (failed)
		r->job.edits->n = r->job.edits_before;
}

static void on_reply(void *data, struct branch *b, struct received *reply, struct edits *e)
{
	struct message *m = data;
	struct run_job job = {
	    .kind = HANDLER_REPLY,
	    .function = message_handler(m, HANDLER_REPLY),
	    .message = m,
	    .branch = b,
	    .reply = reply,
	    .edits = e,
	    .edits_before = e->n,
	    .done = reply_done,
	};

	run_start(m->script, &job);
}

static void branch_done(struct run *r, bool failed)
{
	*r->job.keep = !failed && !r->denied;
}

/* A handler that fails keeps its branch from leaving: it may have been there to check it. */
static bool on_branch(void *data, struct branch *b)
{
	struct message *m = data;
	bool keep = false;
	struct run_job job = {
	    .kind = HANDLER_BRANCH,
	    .function = message_handler(m, HANDLER_BRANCH),
	    .message = m,
	    .branch = b,
	    .edits = &b->edits,
	    .keep = &keep,
	    .done = branch_done,
	};

	run_start(m->script, &job);
	return keep;
}

static void failure_done(struct run *r, bool failed)
{
	(void)failed;
	if (run_message_alive(r))
		context_failure_done(r->job.message->context);
}

/* It runs once: unless it calls t_on_failure, the next failure goes upstream. */
static bool on_failure(void *data, struct context *c)
{
	struct message *m = data;
	struct script *s = m->script;
	int own = m->handlers[HANDLER_FAILURE];
	struct run_job job = {
	    .kind = HANDLER_FAILURE,
	    .function = message_handler(m, HANDLER_FAILURE),
	    .message = m,
	    .edits = &c->edits,
	    .done = failure_done,
	};

	m->handlers[HANDLER_FAILURE] = LUA_REFNIL;
	int status = run_start(s, &job);
	luaL_unref(s->state.L, LUA_REGISTRYINDEX, own);
	return status == 0;
}

void message_arm(struct message *m)
{
	bool reply = message_handler(m, HANDLER_REPLY) != LUA_NOREF;
	bool failure = message_handler(m, HANDLER_FAILURE) != LUA_NOREF;
	bool branch = message_handler(m, HANDLER_BRANCH) != LUA_NOREF;

	m->context->hooks = (struct context_hooks){
	    .data = m,
	    .reply = reply ? on_reply : NULL,
	    .failure = failure ? on_failure : NULL,
	    .branch = branch ? on_branch : NULL,
	};
}

/* A request whose route died without an answer must not hang. */
static void answer_error(struct context *c)
{
	if (!c->answered && !c->relayed)
		context_reply(c, 500, SLICE("Server Internal Error"), SLICE(""));
}

static void request_done(struct run *r, bool failed)
{
	if (!run_message_alive(r))
		return;
	struct context *c = r->job.message->context;
	if (failed)
		answer_error(c);
	context_script_done(c);
}

static void on_request(void *data, struct context *c)
{
	struct script *s = data;
	struct message *m = message_new(s, c);
	struct run_job job = {
	    .kind = HANDLER_REQUEST,
	    .function = s->handlers[HANDLER_REQUEST],
	    .message = m,
	    .edits = &c->edits,
	    .done = request_done,
	};

	c->script = m;
	if (run_start(s, &job)) {
		answer_error(c);
		context_script_done(c);
	}
}

/* The message knows its generation; data may be that of a newer one. */
static void on_gone(void *data, struct context *c)
{
	(void)data;
	if (c->script)
		message_end(c->script);
	c->script = NULL;
}

struct proxy_user script_proxy_user(struct script *s)
{
	return (struct proxy_user){s, on_request, on_gone};
}
