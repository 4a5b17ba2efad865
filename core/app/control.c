#include "app/control.h"
#include "base/arena.h"
#include "base/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_SESSIONS = 16, MAX_LINE = 2048 };

struct control {
	uv_pipe_t pipe;
	struct control_user user;
	struct sockaddr_un address;
	struct list sessions;
	unsigned n_sessions;
};

struct question {
	struct list node;
	struct control *control;
	uv_pipe_t pipe;
	uv_write_t write;
	char line[MAX_LINE];
	size_t n;
	char *answer;
	bool asked;  /* the answer is still to come: it must find us */
	bool closed; /* nobody is there for it */
};

static void session_free(struct question *c)
{
	free(c->answer);
	free(c);
}

static void session_gone(uv_handle_t *h)
{
	struct question *c = h->data;
	c->closed = true;
	if (!c->asked)
		session_free(c);
}

static void session_close(struct question *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	list_remove(&c->node);
	c->control->n_sessions--;
	uv_close((uv_handle_t *)&c->pipe, session_gone);
}

static void on_written(uv_write_t *w, int status)
{
	(void)status;
	session_close(w->data);
}

static void session_ask(struct question *c, struct slice line)
{
	uv_read_stop((uv_stream_t *)&c->pipe);
	c->asked = true;
	c->control->user.command(c->control->user.data, slice_trim(line), c);
}

static void session_write(struct question *c, struct slice lines)
{
	c->answer = mem_alloc(lines.n + 1);
	memcpy(c->answer, lines.p ? lines.p : "", lines.n);
	uv_buf_t out = uv_buf_init(c->answer, (unsigned)lines.n);
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &out, 1, on_written) < 0)
		session_close(c);
}

void question_answer(struct question *c, struct slice lines)
{
	c->asked = false;
	if (c->closed)
		session_free(c);
	else if (!uv_is_closing((uv_handle_t *)&c->pipe))
		session_write(c, lines);
}

static void give_room(uv_handle_t *h, size_t hint, uv_buf_t *room)
{
	struct question *c = h->data;
	(void)hint;
	*room = uv_buf_init(c->line + c->n, (unsigned)(MAX_LINE - c->n));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *room)
{
	struct question *c = s->data;
	(void)room;
	if (n > 0)
		c->n += (size_t)n;
	struct slice seen = slice_of(c->line, c->n);
	const char *end = slice_chr(seen, '\n');
	if (end)
		session_ask(c, slice_range(c->line, end));
	else if (n < 0) /* the end, or no room for more */
		session_close(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *ct = listener->data;
	if (status < 0)
		return;
	struct question *c = mem_zalloc(sizeof *c);
	c->control = ct;
	c->pipe.data = c;
	uv_pipe_init(listener->loop, &c->pipe, 0);
	list_push(&ct->sessions, &c->node);
	ct->n_sessions++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 || ct->n_sessions > MAX_SESSIONS)
		session_close(c);
	else
		uv_read_start((uv_stream_t *)&c->pipe, give_room, on_read);
}

/* A socket file nobody listens at is left over from a proxy that was killed. */
static int remove_stale(const struct sockaddr_un *a, struct buf *why)
{
	struct stat st;
	if (lstat(a->sun_path, &st) < 0)
		return 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0;
	close(fd);
	if (!S_ISSOCK(st.st_mode))
		buf_printf(why, "control socket %s: there is a file of that name", a->sun_path);
	else if (alive)
		buf_printf(why, "control socket %s: another lunasip answers there", a->sun_path);
	else if (unlink(a->sun_path) == 0)
		return 0;
	else
		buf_printf(why, "control socket %s: %s", a->sun_path, strerror(errno));
	return -1;
}

/* fchmod before bind: the file never exists with another mode. */
static int bind_private(const struct sockaddr_un *a, struct buf *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && fchmod(fd, 0600) == 0 &&
	    bind(fd, (const struct sockaddr *)a, sizeof *a) == 0)
		return fd;
	buf_printf(why, "control socket %s: %s", a->sun_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int set_path(struct sockaddr_un *a, struct slice path, struct buf *why)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path.n < sizeof a->sun_path) {
		memcpy(a->sun_path, path.p, path.n);
		return 0;
	}
	buf_printf(why, "control socket %.*s: longer than %zu bytes", SLICE_ARG(path),
		   sizeof a->sun_path - 1);
	return -1;
}

int control_open(struct control **out, uv_loop_t *loop, struct slice path,
		 const struct control_user *user, struct buf *why)
{
	struct sockaddr_un address;
	if (set_path(&address, path, why) < 0 || remove_stale(&address, why) < 0)
		return -1;
	int fd = bind_private(&address, why);
	if (fd < 0)
		return -1;
	struct control *ct = mem_zalloc(sizeof *ct);
	ct->user = *user;
	ct->address = address;
	ct->pipe.data = ct;
	list_init(&ct->sessions);
	uv_pipe_init(loop, &ct->pipe, 0);
	uv_pipe_open(&ct->pipe, fd);
	uv_listen((uv_stream_t *)&ct->pipe, MAX_SESSIONS, on_connection);
	*out = ct;
	return 0;
}

static void control_gone(uv_handle_t *h)
{
	free(h->data);
}

void control_close(struct control *ct)
{
	unlink(ct->address.sun_path);
	LIST_EACH_SAFE (node, &ct->sessions)
		session_close(CONTAINER(node, struct question, node));
	uv_close((uv_handle_t *)&ct->pipe, control_gone);
}
