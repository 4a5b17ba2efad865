#include "store/store.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { OP_FIRST_BYTES = 1024, MAX_TABLE_NAME = 64 };

struct store_op *store_op_new(enum store_kind kind, struct slice table,
			      void (*done)(struct store_op *op), void *data)
{
	struct store_op *op = mem_zalloc(sizeof(*op));
	list_init(&op->node);
	arena_init(&op->arena, OP_FIRST_BYTES);
	op->kind = kind;
	op->table = arena_dup(&op->arena, table);
	op->done = done;
	op->data = data;
	op->background =
	    kind == STORE_LOCATION_SCAN || kind == STORE_LOCATION_PURGE || kind == STORE_SECRET;
	return op;
}

void store_op_free(struct store_op *op)
{
	if (!op)
		return;
	arena_free(&op->arena);
	free(op);
}

bool store_table_name_ok(struct slice name)
{
	if (name.n == 0 || name.n > MAX_TABLE_NAME)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

void store_submit(struct store *s, struct store_op *op)
{
	bool any_table = op->kind == STORE_SECRET || op->kind == STORE_QUERY;
	if (any_table || store_table_name_ok(op->table)) {
		s->submit(s, op);
		return;
	}
	op->error = STORE_FAILED;
	op->message = SLICE("not the name of a table: only letters, digits and _ are allowed");
	op->done(op);
}

bool store_withdraw(struct store *s, struct store_op *op)
{
	return s->withdraw && s->withdraw(s, op);
}

bool store_full(struct store *s)
{
	return s->full && s->full(s);
}

/* With its length in front, so that no two lists of parts hash alike. */
static void digest_part(EVP_MD_CTX *md, struct slice s)
{
	unsigned char length[8];
	for (unsigned i = 0; i < 8; i++)
		length[i] = (unsigned char)((uint64_t)s.n >> (56 - 8 * i));
	EVP_DigestUpdate(md, length, sizeof(length));
	if (s.n > 0)
		EVP_DigestUpdate(md, s.p, s.n);
}

void store_ruid(struct slice username, struct slice domain, struct slice contact, char out[40])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char hash[EVP_MAX_MD_SIZE] = {0};
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		abort();
	digest_part(md, username);
	digest_part(md, domain);
	digest_part(md, contact);
	EVP_DigestFinal_ex(md, hash, NULL);
	EVP_MD_CTX_free(md);

	char *p = out;
	memcpy(p, "uloc-", 5);
	p += 5;
	for (unsigned i = 0; i < 16; i++) {
		*p++ = hex[hash[i] >> 4];
		*p++ = hex[hash[i] & 15];
	}
	*p = '\0';
}

int store_compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

void store_binding_copy(struct arena *a, struct store_binding *to, const struct store_binding *from)
{
	*to = *from;
	to->ruid = arena_dup(a, from->ruid);
	to->username = arena_dup(a, from->username);
	to->domain = arena_dup(a, from->domain);
	to->contact = arena_dup(a, from->contact);
	to->received = arena_dup(a, from->received);
	to->path = arena_dup(a, from->path);
	to->callid = arena_dup(a, from->callid);
	to->user_agent = arena_dup(a, from->user_agent);
	to->socket = arena_dup(a, from->socket);
	to->instance = arena_dup(a, from->instance);
}

void store_subscriber_copy(struct arena *a, struct store_subscriber *to,
			   const struct store_subscriber *from)
{
	to->username = arena_dup(a, from->username);
	to->domain = arena_dup(a, from->domain);
	to->password = arena_dup(a, from->password);
	to->ha1 = arena_dup(a, from->ha1);
	to->ha1b = arena_dup(a, from->ha1b);
	to->ha1_sha256 = arena_dup(a, from->ha1_sha256);
}
