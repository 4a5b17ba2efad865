#include "../../../db/mysql_url.h"
#include "tap.h"

static struct arena arena;
static struct mysql_url u;
static char why[200];

static int parse(const char *rest)
{
	struct buf b;
	buf_init(&b, sizeof(why));
	int rc = mysql_url_parse(&u, &arena, slice_str(rest), &b);
	snprintf(why, sizeof(why), "%.*s", SLICE_ARG(buf_slice(&b)));
	buf_free(&b);
	return rc;
}

static void all_parts(void)
{
	CHECK_INT(parse("//joe:secret@db.example.org:3307/lunasip?socket=/run/m.sock"), 0);
	CHECK_STR(u.user, "joe");
	CHECK_STR(u.password, "secret");
	CHECK_STR(u.hosts[0].name, "db.example.org");
	CHECK_INT(u.hosts[0].port, 3307);
	CHECK_STR(u.database, "lunasip");
	CHECK_STR(u.socket, "/run/m.sock");
	CHECK_INT(u.connect_timeout_s, 3);
	CHECK_INT(u.timeout_s, 5);
	CHECK_INT(u.tls, MYSQL_TLS_OFF);
}

static void tls(void)
{
	CHECK_INT(parse("//h/d?tls=1"), 0);
	CHECK_INT(u.tls, MYSQL_TLS_VERIFIED);
	CHECK(!u.ssl_ca);
	CHECK_INT(parse("//h/d?ssl-ca=/etc/ca%20one.pem&ssl-cert=/c&ssl-key=/k"), 0);
	CHECK_INT(u.tls, MYSQL_TLS_VERIFIED);
	CHECK_STR(u.ssl_ca, "/etc/ca one.pem");
	CHECK_STR(u.ssl_cert, "/c");
	CHECK_STR(u.ssl_key, "/k");
	CHECK_INT(parse("//h/d?tls=unverified&ssl-cert=/c"), 0);
	CHECK_INT(u.tls, MYSQL_TLS_UNVERIFIED);
	CHECK_INT(parse("//h/d?tls=0"), 0);
	CHECK_INT(u.tls, MYSQL_TLS_OFF);
}

static void timeouts(void)
{
	CHECK_INT(parse("//h/d?timeout=1&socket=/s&connect_timeout=3600"), 0);
	CHECK_INT(u.connect_timeout_s, 3600);
	CHECK_INT(u.timeout_s, 1);
	CHECK_STR(u.socket, "/s");
	CHECK_INT(parse("//h/d?timeout=0"), -1);
	CHECK_INT(parse("//h/d?timeout=3601"), -1);
	CHECK_INT(parse("//h/d?timeout=x"), -1);
	CHECK_INT(parse("//h/d?timeout"), -1);
}

static void only_the_database_is_needed(void)
{
	CHECK_INT(parse("///lunasip"), 0);
	CHECK_STR(u.database, "lunasip");
	CHECK(!u.user && !u.password && !u.hosts[0].name && !u.socket && u.hosts[0].port == 0);
	CHECK_INT(parse("//joe@h/d"), 0);
	CHECK_STR(u.user, "joe");
	CHECK(!u.password);
	CHECK_INT(parse("//joe:@h/d"), 0);
	CHECK_STR(u.password, "");
}

static void escapes(void)
{
	CHECK_INT(parse("//j%40e:%3a%2F%3F%25@h/d?socket=%2ftmp%2Fa%26b"), 0);
	CHECK_STR(u.user, "j@e");
	CHECK_STR(u.password, ":/?%");
	CHECK_STR(u.socket, "/tmp/a&b");
	/* What is behind the first : of the user is the password. */
	CHECK_INT(parse("//joe:a:b@h/d"), 0);
	CHECK_STR(u.password, "a:b");
}

static void addresses(void)
{
	CHECK_INT(parse("//[2001:db8::1]:3306/d"), 0);
	CHECK_STR(u.hosts[0].name, "2001:db8::1");
	CHECK_INT(u.hosts[0].port, 3306);
	CHECK_INT(parse("//[::1]/d"), 0);
	CHECK_STR(u.hosts[0].name, "::1");
	CHECK_INT(parse("//[::1/d"), -1);
	CHECK_INT(parse("//[::1]3306/d"), -1);
}

static void several_hosts(void)
{
	CHECK_INT(parse("//joe:a,b@h1,[2001:db8::1]:3307,10.0.0.3:3308,h%2c4/d?timeout=1"), 0);
	CHECK_STR(u.password, "a,b");
	CHECK_INT(u.n_hosts, 4);
	CHECK_STR(u.hosts[0].name, "h1");
	CHECK_INT(u.hosts[0].port, 0);
	CHECK_STR(u.hosts[1].name, "2001:db8::1");
	CHECK_INT(u.hosts[1].port, 3307);
	CHECK_STR(u.hosts[2].name, "10.0.0.3");
	CHECK_INT(u.hosts[2].port, 3308);
	CHECK_STR(u.hosts[3].name, "h,4");
	CHECK_STR(u.database, "d");
	CHECK_INT(parse("//h/d"), 0);
	CHECK_INT(u.n_hosts, 1);
	CHECK_INT(parse("//1,2,3,4,5,6,7,8/d"), 0);
	CHECK_INT(u.n_hosts, MYSQL_MAX_HOSTS);
}

static void waiting_for_other_nodes(void)
{
	CHECK_INT(parse("//h/d"), 0);
	CHECK_INT(u.wsrep_sync_wait, 1);
	CHECK_INT(parse("//h/d?wsrep_sync_wait=0"), 0);
	CHECK_INT(u.wsrep_sync_wait, 0);
	CHECK_INT(parse("//h/d?wsrep_sync_wait=15"), 0);
	CHECK_INT(u.wsrep_sync_wait, 15);
}

static void malformed(void)
{
	static const char *const bad[] = {
	    "",
	    "/h/d",
	    "h/d",
	    "//h",
	    "//h/",
	    "//h/a/b",
	    "//h:0/d",
	    "//h:65536/d",
	    "//h:/d",
	    "//h:x/d",
	    "//u:%zz@h/d",
	    "//u:%4@h/d",
	    "//u:%00@h/d",
	    "//h/%",
	    "//h/d?socket",
	    "//h/d?tls",
	    "//h/d?tls=maybe",
	    "//h/d?ssl-ca=",
	    "//h/d?ssl=1",
	    "//h/d?=x",
	    "//geheim:geheim/d",
	    "//u:geh/eim@h/d",
	    "//h1,/d",
	    "//,h2/d",
	    "//h1,,h3/d",
	    "//h1,:3306/d",
	    "//h1:3306,h2:x/d",
	    "//h1,[::1/d",
	    "//1,2,3,4,5,6,7,8,9/d",
	    "//h1,h2/d?socket=/s",
	    "//h/d?wsrep_sync_wait=16",
	    "//h/d?wsrep_sync_wait=",
	};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(parse(bad[i]), -1);
		CHECK(why[0] != '\0' && !strstr(why, "geh"));
	}
}

int main(void)
{
	arena_init(&arena, 1000);
	TEST(all_parts);
	TEST(timeouts);
	TEST(tls);
	TEST(only_the_database_is_needed);
	TEST(escapes);
	TEST(addresses);
	TEST(several_hosts);
	TEST(waiting_for_other_nodes);
	TEST(malformed);
	arena_free(&arena);
	return tap_done();
}
