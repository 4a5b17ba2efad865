#include "script/source.h"

#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[64], path[96];

static void put_file(const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void open_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/source-test-XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/a.lua", dir);
}

static void close_dir(void)
{
	unlink(path);
	rmdir(dir);
}

static void reads_a_file_once(void)
{
	struct source src;
	struct slice text;
	struct buf why;

	open_dir();
	put_file("one");
	source_init(&src);
	buf_init(&why, 1000);
	CHECK_INT(source_read(&src, path, &text, &why), 0);
	CHECK_SLICE(text, "one");
	CHECK(source_changed(&src) == NULL);
	put_file("another");
	CHECK_INT(source_read(&src, path, &text, &why), 0);
	CHECK_SLICE(text, "one");
	CHECK_STR(source_changed(&src), path);
	CHECK_INT(src.n, 1);
	CHECK_STR(source_path(&src, 0), path);
	CHECK(source_path(&src, 1) == NULL);
	source_free(&src);
	buf_free(&why);
	close_dir();
}

static void reads_an_empty_file(void)
{
	struct source src;
	struct slice text;
	struct buf why;

	open_dir();
	put_file("");
	source_init(&src);
	buf_init(&why, 1000);
	CHECK_INT(source_read(&src, path, &text, &why), 0);
	CHECK_SLICE(text, "");
	source_free(&src);
	buf_free(&why);
	close_dir();
}

/* A file of the same size and time, put in its place: another one all the same. */
static void knows_a_file_that_took_its_place(void)
{
	struct source src;
	struct slice text;
	struct buf why;
	char other[128];
	struct stat st;

	open_dir();
	put_file("one");
	source_init(&src);
	buf_init(&why, 1000);
	CHECK_INT(source_read(&src, path, &text, &why), 0);
	CHECK_INT(stat(path, &st), 0);
	snprintf(other, sizeof(other), "%s.new", path);
	CHECK_INT(rename(path, other), 0);
	CHECK_STR(source_changed(&src), path);
	put_file("two");
	const struct timespec times[] = {st.st_atim, st.st_mtim};
	CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
	CHECK_STR(source_changed(&src), path);
	unlink(other);
	source_free(&src);
	buf_free(&why);
	close_dir();
}

static void refuses(const char *name, const char *reason)
{
	struct source src;
	struct slice text;
	struct buf why;

	source_init(&src);
	buf_init(&why, 1000);
	CHECK_INT(source_read(&src, name, &text, &why), -1);
	CHECK_SLICE(buf_slice(&why), reason);
	CHECK(source_changed(&src) == NULL);
	CHECK_STR(source_path(&src, 0), name);
	source_free(&src);
	buf_free(&why);
}

static void refuses_what_is_no_file(void)
{
	char reason[200];

	open_dir();
	refuses("/nowhere/a.lua", "/nowhere/a.lua: No such file or directory");
	refuses("/tmp", "/tmp: Is a directory");
	refuses("/dev/null", "/dev/null: not a regular file");
	CHECK_INT(mkfifo(path, 0600), 0);
	snprintf(reason, sizeof(reason), "%s: not a regular file", path);
	refuses(path, reason);
	close_dir();
}

static void refuses_what_is_too_large(void)
{
	char reason[200];

	open_dir();
	put_file("x");
	CHECK_INT(truncate(path, (4 << 20) + 1), 0);
	snprintf(reason, sizeof(reason), "%s: larger than 4 MiB", path);
	refuses(path, reason);
	close_dir();
}

static void tells_its_youngest_change(void)
{
	struct source src;
	struct slice text;
	struct buf why;

	open_dir();
	put_file("x");
	const struct timespec times[] = {{1000, 0}, {1234, 567000000}};
	CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
	source_init(&src);
	buf_init(&why, 1000);
	CHECK_INT(source_changed_ms(&src), 0);
	CHECK_INT(source_read(&src, path, &text, &why), 0);
	CHECK_INT(source_changed_ms(&src), 1234567);
	source_free(&src);
	buf_free(&why);
	close_dir();
}

int main(void)
{
	TEST(reads_a_file_once);
	TEST(reads_an_empty_file);
	TEST(knows_a_file_that_took_its_place);
	TEST(refuses_what_is_no_file);
	TEST(refuses_what_is_too_large);
	TEST(tells_its_youngest_change);
	return tap_done();
}
