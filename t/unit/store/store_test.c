#include "store/driver.h"
#include "tap.h"

/* Names of tables. */

static void table_names(void)
{
	CHECK(store_table_name_ok(SLICE("location")));
	CHECK(store_table_name_ok(SLICE("Sub_2")));
	CHECK(!store_table_name_ok(SLICE("")));
	CHECK(!store_table_name_ok(SLICE_NULL));
	CHECK(!store_table_name_ok(SLICE("a b")));
	CHECK(!store_table_name_ok(SLICE("a`b")));
	CHECK(!store_table_name_ok(SLICE("a;b")));
	CHECK(!store_table_name_ok(slice_of("a\0b", 3)));
	CHECK(!store_table_name_ok(SLICE("\xc3\xa4")));
	char text[65];
	memset(text, 'a', sizeof(text));
	CHECK(store_table_name_ok(slice_of(text, 64)));
	CHECK(!store_table_name_ok(slice_of(text, 65)));
}

/* ruid. */

static struct slice ruid(const char *user, const char *domain, const char *contact)
{
	static char out[2][40];
	static unsigned i;
	i = !i;
	store_ruid(slice_str(user), slice_str(domain), slice_str(contact), out[i]);
	return slice_str(out[i]);
}

static void a_ruid_is_the_same_everywhere(void)
{
	/* SHA-256 over 8 bytes of length and the text, thrice. */
	CHECK_SLICE(ruid("", "", ""), "uloc-9d908ecfb6b256def8b49a7c504e6c88");
	CHECK_SLICE(ruid("10", "", "sip:10@192.0.2.7"), "uloc-4d8d87bed11f1261b2e7f4d5c36d2741");
}

static void ruids_differ_where_their_parts_do(void)
{
	CHECK(slice_eq(ruid("10", "a", "b"), ruid("10", "a", "b")));
	CHECK(!slice_eq(ruid("10", "a", "b"), ruid("1", "0a", "b")));
	CHECK(!slice_eq(ruid("10", "a", "b"), ruid("10", "ab", "")));
	CHECK(!slice_eq(ruid("bob", "", "c"), ruid("BOB", "", "c")));
	CHECK(!slice_eq(ruid("", "bob", "c"), ruid("bob", "", "c")));
}

/* URLs. */

static void check_driver(const char *url, const struct store_driver *driver, const char *rest)
{
	struct slice got = SLICE("");
	CHECK(store_driver_of(slice_str(url), &got) == driver);
	CHECK_SLICE(got, rest);
}

static void a_url_names_its_driver(void)
{
	check_driver("memory:", &store_memory, "");
	check_driver("sqlite:/var/lib/x.sqlite", &store_sqlite, "/var/lib/x.sqlite");
	check_driver("mysql://h/d", &store_mysql, "//h/d");
	check_driver("postgres://h/d", NULL, "");
	check_driver("memory", NULL, "");
	check_driver("", NULL, "");
}

static void check_clean(const char *url, const char *expected)
{
	struct buf out;
	buf_init(&out, 1000);
	store_url_clean(slice_str(url), &out);
	CHECK_SLICE(buf_slice(&out), expected);
	buf_free(&out);
}

static void passwords_are_masked(void)
{
	check_clean("mysql://u:p@h:3306/d?socket=/s", "mysql://u:***@h:3306/d?socket=/s");
	check_clean("mysql://u:p@h/d", "mysql://u:***@h/d");
	check_clean("mysql://u:@h/d", "mysql://u:***@h/d");
	check_clean("mysql://:p@h/d", "mysql://:***@h/d");
	check_clean("mysql://u:p:q@h/d", "mysql://u:***@h/d");
	/* Not escaped as they ought to be. */
	check_clean("mysql://u:p@q@h/d", "mysql://u:***@h/d");
	check_clean("mysql://u:p/q@h/d", "mysql://u:***@h/d");
	check_clean("mysql://u:p?q@h/d", "mysql://u:***@h/d");
	check_clean("mysql://u:p/d", "mysql://u:***/d");
	check_clean("mysql://u:p@h1:1,[::1]:2,h3/d", "mysql://u:***@h1:1,[::1]:2,h3/d");
	check_clean("mysql://h1:1,u:p/d", "mysql://h1:***/d");
	check_clean("mysql:/u:p@h/d", "mysql:/u:***@h/d");
	check_clean("mysql:u:p@h/d", "mysql:u:***@h/d");
	check_clean("mysql:///u:p@h/d", "mysql:///u:***@h/d");
	check_clean("postgres:/u:p@h/d", "postgres:/u:***@h/d");
}

static void urls_without_a_password_stay(void)
{
	static const char *const urls[] = {
	    "memory:",       "sqlite:/a:b/c",  "mysql://h/d",
	    "mysql://u@h/d", "mysql://h:1/d",  "mysql://[::1]:3306/d",
	    "mysql:",        "nothing at all", "",
	    "sqlite:/a@b:c", "mysql:/h/d",     "mysql://h1,[::1]:2,h3:3/d"};
	for (unsigned i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		check_clean(urls[i], urls[i]);
}

int main(void)
{
	TEST(table_names);
	TEST(a_ruid_is_the_same_everywhere);
	TEST(ruids_differ_where_their_parts_do);
	TEST(a_url_names_its_driver);
	TEST(passwords_are_masked);
	TEST(urls_without_a_password_stay);
	return tap_done();
}
