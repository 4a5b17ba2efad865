#include "script/settings_change.h"

#include <string.h>

static const void *value_of(const struct settings *s, const struct setting *d)
{
	return (const char *)s + d->offset;
}

static void *place_of(struct settings *s, const struct setting *d)
{
	return (char *)s + d->offset;
}

static size_t size_of(const struct setting *d)
{
	switch (d->type) {
	case SETTING_BOOL:
		return sizeof(bool);
	case SETTING_NUMBER:
	case SETTING_CHOICE:
		return sizeof(uint32_t);
	case SETTING_SIZE:
		return sizeof(size_t);
	case SETTING_TEXT:
		return sizeof(struct slice);
	case SETTING_LIST:
		break;
	}
	return 0;
}

static struct slice text_of(const struct settings *s, const struct setting *d)
{
	struct slice text;

	memcpy(&text, value_of(s, d), sizeof(text));
	return text;
}

static void copy_text(struct settings *to, const struct settings *from, const struct setting *d)
{
	struct slice text = arena_dup(&to->arena, text_of(from, d));

	memcpy(place_of(to, d), &text, sizeof(text));
}

static void copy_listen(struct settings *to, const struct settings *from)
{
	to->n_listen = from->n_listen;
	for (unsigned i = 0; i < from->n_listen; i++) {
		const char *name = from->advertise[i];
		to->listen[i] = from->listen[i];
		to->advertise[i] = name ? arena_strz(&to->arena, slice_str(name)) : NULL;
	}
}

static void copy_aliases(struct settings *to, const struct settings *from)
{
	to->n_aliases = from->n_aliases;
	to->aliases = arena_alloc(&to->arena, (from->n_aliases + 1) * sizeof(*to->aliases));
	for (unsigned i = 0; i < from->n_aliases; i++) {
		to->aliases[i] = from->aliases[i];
		to->aliases[i].host = arena_dup(&to->arena, from->aliases[i].host);
	}
}

static void copy(struct settings *to, const struct settings *from, const struct setting *d)
{
	if (d->type == SETTING_TEXT)
		copy_text(to, from, d);
	else if (d->add == settings_add_listen)
		copy_listen(to, from);
	else if (d->add == settings_add_peer)
		to->peers = from->peers;
	else if (d->add == settings_add_alias)
		copy_aliases(to, from);
	else
		memcpy(place_of(to, d), value_of(from, d), size_of(d));
}

void settings_copy(struct settings *to, const struct settings *from)
{
	settings_init(to);
	for (unsigned i = 0; i < settings_count; i++)
		copy(to, from, &settings_table[i]);
}

void settings_take(struct settings *running, const struct settings *fresh)
{
	struct settings next;

	settings_init(&next);
	for (unsigned i = 0; i < settings_count; i++) {
		const struct setting *d = &settings_table[i];
		copy(&next, d->restart ? running : fresh, d);
	}
	settings_free(running);
	*running = next;
}

static bool same_listen(const struct settings *a, const struct settings *b)
{
	if (a->n_listen != b->n_listen)
		return false;
	for (unsigned i = 0; i < a->n_listen; i++)
		if (!addr_equal(&a->listen[i], &b->listen[i]) ||
		    !slice_eq(slice_str(a->advertise[i]), slice_str(b->advertise[i])))
			return false;
	return true;
}

static bool same(const struct settings *a, const struct settings *b, const struct setting *d)
{
	if (d->type == SETTING_TEXT)
		return slice_eq(text_of(a, d), text_of(b, d));
	if (d->type == SETTING_LIST)
		return same_listen(a, b);
	return memcmp(value_of(a, d), value_of(b, d), size_of(d)) == 0;
}

void settings_waiting(const struct settings *running, const struct settings *fresh,
		      struct buf *names)
{
	for (unsigned i = 0; i < settings_count; i++) {
		const struct setting *d = &settings_table[i];
		if (!d->restart || same(running, fresh, d))
			continue;
		buf_printf(names, "%s%s", names->n ? ", " : "", d->name);
	}
}
