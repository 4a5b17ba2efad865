#include "script/source.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SOURCE_BYTES = 4 << 20 };

struct file {
	struct list node;
	char *path; /* behind the struct */
	bool read;
	struct buf text;
	struct stat st; /* when it was opened */
};

void source_init(struct source *src)
{
	list_init(&src->files);
	src->n = 0;
}

void source_free(struct source *src)
{
	struct list *node;

	while ((node = list_shift(&src->files))) {
		struct file *f = CONTAINER(node, struct file, node);
		buf_free(&f->text);
		free(f);
	}
	src->n = 0;
}

static struct file *find(const struct source *src, const char *path)
{
	LIST_EACH (node, &src->files)
		if (strcmp(CONTAINER(node, struct file, node)->path, path) == 0)
			return CONTAINER(node, struct file, node);
	return NULL;
}

static struct file *add(struct source *src, const char *path)
{
	size_t n = strlen(path) + 1;
	struct file *f = mem_zalloc(sizeof(*f) + n);

	f->path = memcpy(f + 1, path, n);
	buf_init(&f->text, MAX_SOURCE_BYTES);
	buf_puts(&f->text, "");
	list_push(&src->files, &f->node);
	src->n++;
	return f;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int read_all(struct file *f, int fd, struct buf *why)
{
	char block[16384];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0 && !f->text.failed)
		buf_put(&f->text, slice_of(block, (size_t)n));
	if (n < 0)
		buf_printf(why, "%s: %s", f->path, strerror(errno));
	else if (f->text.failed)
		buf_printf(why, "%s: larger than %d MiB", f->path, MAX_SOURCE_BYTES >> 20);
	else if ((off_t)f->text.n != f->st.st_size)
		buf_printf(why, "%s: changed while it was read", f->path);
	else
		return 0;
	return -1;
}

/* O_NONBLOCK: a pipe of that name must not hold us up. */
static int read_file(struct file *f, struct buf *why)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &f->st) < 0) {
		buf_printf(why, "%s: %s", f->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	int status = -1;
	if (S_ISREG(f->st.st_mode))
		status = read_all(f, fd, why);
	else
		buf_printf(why, "%s: %s", f->path,
			   S_ISDIR(f->st.st_mode) ? strerror(EISDIR) : "not a regular file");
	close(fd);
	return status;
}

int source_read(struct source *src, const char *path, struct slice *text, struct buf *why)
{
	struct file *f = find(src, path);

	if (!f)
		f = add(src, path);
	if (!f->read && read_file(f, why))
		return -1;
	f->read = true;
	*text = buf_slice(&f->text);
	return 0;
}

const char *source_path(const struct source *src, unsigned i)
{
	LIST_EACH (node, &src->files)
		if (i-- == 0)
			return CONTAINER(node, struct file, node)->path;
	return NULL;
}

const char *source_changed(const struct source *src)
{
	LIST_EACH (node, &src->files) {
		const struct file *f = CONTAINER(node, struct file, node);
		struct stat now;
		if (f->read && (stat(f->path, &now) < 0 || !same(&f->st, &now)))
			return f->path;
	}
	return NULL;
}

int64_t source_changed_ms(const struct source *src)
{
	int64_t last_ms = 0;

	LIST_EACH (node, &src->files) {
		const struct stat *st = &CONTAINER(node, struct file, node)->st;
		int64_t ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
		if (ms > last_ms)
			last_ms = ms;
	}
	return last_ms;
}
