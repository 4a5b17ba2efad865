#include "txn/txn.h"

#include "sip/reply.h"
#include "txn/client.h"
#include "txn/match.h"
#include "txn/server.h"

#include <stdlib.h>

enum { REFUSED_T1 = 64 }; /* times T1: as long as an INVITE is repeated */

/* Faulty requests never get a transaction: whoever repeats one gets the same answer again. */
static void answer_fault(struct txn *x, struct received *r)
{
	const struct fault *f = &r->msg->fault;
	x->counters.faulty++;
	txn_reply_stateless(x, r, f->status, slice_str(f->reason), SLICE(""));
	received_free(r);
}

static void on_request(void *data, struct received *r)
{
	struct txn *x = data;
	if (r->msg->fault.status)
		answer_fault(x, r);
	else if (r->msg->method == METHOD_ACK)
		server_ack(x, r);
	else if (r->msg->method == METHOD_CANCEL)
		server_cancel(x, r);
	else
		server_request(x, r);
}

static void on_response(void *data, struct received *r)
{
	struct txn *x = data;
	if (!r->msg->fault.status) {
		client_response(x, r);
		return;
	}
	x->counters.faulty++;
	received_free(r);
}

static void on_unreachable(void *data, struct slice branch)
{
	client_unreachable(data, branch);
}

void txn_init(struct txn *x, struct env *env, const struct txn_user *user)
{
	uint8_t key[16];
	*x = (struct txn){
	    .env = env,
	    .user = *user,
	    .timers = {.t1_ms = 500, .t2_ms = 4000, .t4_ms = 5000},
	    .max_servers = TXN_MAX_SERVERS,
	    .max_bytes = TXN_MAX_BYTES,
	    .server_name = SLICE(""),
	};
	rand_bytes(env->rand, x->tag_key, sizeof(x->tag_key));
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&x->servers, key);
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&x->clients, key);
	x->refused = mem_zalloc(TXN_REFUSED * sizeof(*x->refused));
	buf_init(&x->scratch, MSG_MAX_BYTES);
}

void txn_free(struct txn *x)
{
	client_end_all(x);
	server_end_all(x);
	hash_free(&x->clients);
	hash_free(&x->servers);
	free(x->refused);
	buf_free(&x->scratch);
}

struct transport_user txn_transport_user(struct txn *x)
{
	return (struct transport_user){
	    .data = x,
	    .request = on_request,
	    .response = on_response,
	    .unreachable = on_unreachable,
	};
}

void txn_to_tag(const struct txn *x, const struct msg *m, char out[TXN_TAG])
{
	struct siphash h;
	siphash_init(&h, x->tag_key);
	siphash_add(&h, m->via.branch);
	siphash_add(&h, m->call_id);
	siphash_add_u64(&h, m->cseq);
	hex_u64(siphash_end(&h), TXN_TAG - 1, out);
	out[TXN_TAG - 1] = '\0';
}

struct slice txn_make_reply(struct txn *x, struct received *r, unsigned status, struct slice reason,
			    struct slice headers)
{
	const struct msg *m = received_msg(r);
	char tag[TXN_TAG];
	struct reply reply = {
	    .status = status,
	    .reason = reason,
	    .to_tag = SLICE_NULL,
	    .top_via = r->top_via,
	    .headers = headers,
	    .server = x->server_name,
	};
	if (status > 100) {
		txn_to_tag(x, m, tag);
		reply.to_tag = slice_str(tag);
	}
	buf_reset(&x->scratch);
	reply_write(&x->scratch, m, &reply);
	return x->scratch.failed ? SLICE_NULL : buf_slice(&x->scratch);
}

static void note_refused(struct txn *x, const struct msg *invite)
{
	uint64_t hash = match_of(&x->servers, invite).hash;
	uint64_t until_ms = env_now_ms(x->env) + REFUSED_T1 * x->timers.t1_ms;
	x->refused[hash % TXN_REFUSED] = (struct refused){hash, until_ms};
}

bool txn_is_for_stateless(const struct txn *x, const struct msg *ack, const struct match *k)
{
	char tag[TXN_TAG];
	const struct refused *r = &x->refused[k->hash % TXN_REFUSED];
	txn_to_tag(x, ack, tag);
	return slice_eq(ack->to_tag, slice_str(tag)) ||
	       (r->hash == k->hash && env_now_ms(x->env) < r->until_ms);
}

void txn_reply_stateless(struct txn *x, struct received *r, unsigned status, struct slice reason,
			 struct slice headers)
{
	const struct msg *m = received_msg(r);
	if (m->method == METHOD_ACK)
		return;
	if (m->method == METHOD_INVITE && status >= 300 && m->to_tag.p)
		note_refused(x, m);
	struct slice bytes = txn_make_reply(x, r, status, reason, headers);
	if (bytes.n)
		transport_respond(x->transport, r, bytes);
}
