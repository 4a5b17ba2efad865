/*
 * TLS to the server: what the URL asks for is what happens, or nothing does.
 */
#include "store/backend.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static unsigned port;

/* One that nobody uses now. */
static unsigned free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, n) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		bail_out("no free port");
	close(fd);
	return ntohs(a.sin_port);
}

static void make_certificates(void)
{
	shell(
	    "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	    "-subj /CN=ca -keyout ca.key -out ca.pem 2>openssl.log && "
	    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
	    "-keyout server.key -out server.csr 2>>openssl.log && "
	    "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
	    "-out server.pem 2>>openssl.log && "
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	    "-subj /CN=other -keyout other.key -out other.pem 2>>openssl.log",
	    test_dir);
}

static void start_server(bool tls)
{
	char options[1500] = "";
	port = free_port();
	if (tls)
		snprintf(options, sizeof(options),
			 "--ssl-ca=%s/ca.pem --ssl-cert=%s/server.pem --ssl-key=%s/server.key",
			 test_dir, test_dir, test_dir);
	shell("MARIADB_OPTIONS='--skip-networking=0 --bind-address=127.0.0.1 --port=%u %s' "
	      "t/tools/mariadb.sh start %s/mariadb %d",
	      port, options, test_dir, (int)getpid());
	snprintf(mysql_url, sizeof(mysql_url), "running");
	mariadb("", "-e \"CREATE OR REPLACE USER joe IDENTIFIED BY 'geheim'; "
		    "GRANT ALL ON *.* TO joe\"");
}

static char why[500];

/* How a connection to host with these options goes; the cipher, or "". */
static const char *cipher_at(const char *host, const char *options)
{
	static char cipher[100];
	static struct backend db = {.name = "tls", .scheme = "mysql"};
	struct buf reason;
	struct slice rest;
	buf_init(&reason, 400);
	snprintf(db.url, sizeof(db.url), "mysql://joe:geheim@%s:%u/lunasip%s", host, port, options);
	db.driver = store_driver_of(slice_str(db.url), &rest);
	cipher[0] = '\0';
	if (db.driver->open(&db.connection, rest, &reason) == STORE_OK) {
		direct_init(&db.direct, db.connection);
		db.store = &db.direct.store;
		struct store_op *op = op_new(STORE_QUERY, "");
		op->sql = SLICE("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
		op_expect(&db, op);
		snprintf(cipher, sizeof(cipher), "%.*s", SLICE_ARG(op->values[1].text));
		store_op_free(op);
		direct_free(&db.direct);
		db.driver->close(db.connection);
		buf_puts(&reason, "connected");
	}
	snprintf(why, sizeof(why), "%.*s", SLICE_ARG(buf_slice(&reason)));
	buf_free(&reason);
	return cipher;
}

static const char *with_ca(const char *name, const char *more)
{
	static char options[600];
	snprintf(options, sizeof(options), "?ssl-ca=%s/%s%s", test_dir, name, more);
	return options;
}

static void refused_without_a_secret(const char *host, const char *options)
{
	CHECK_STR(cipher_at(host, options), "");
	if (strcmp(why, "connected") == 0 || why[0] == '\0' || strstr(why, "geheim")) {
		printf("# %s%s: %s\n", host, options, why);
		CHECK(false);
	}
}

static void a_certificate_that_holds_is_taken(void)
{
	CHECK(cipher_at("localhost", with_ca("ca.pem", ""))[0] != '\0');
	CHECK(cipher_at("localhost", with_ca("ca.pem", "&tls=1"))[0] != '\0');
}

static void one_that_does_not_is_refused(void)
{
	refused_without_a_secret("localhost", with_ca("other.pem", ""));
	refused_without_a_secret("localhost", "?tls=1"); /* the system does not know our CA */
	refused_without_a_secret("127.0.0.1", with_ca("ca.pem", "")); /* another name */
	refused_without_a_secret("localhost", with_ca("nothing.pem", ""));
}

static void unverified_takes_any(void)
{
	CHECK(cipher_at("localhost", "?tls=unverified")[0] != '\0');
	CHECK(cipher_at("127.0.0.1", "?tls=unverified")[0] != '\0');
}

static void without_asking_there_is_none(void)
{
	CHECK_STR(cipher_at("localhost", ""), "");
	CHECK_STR(why, "connected");
}

static void a_server_without_tls_is_refused(void)
{
	shell("t/tools/mariadb.sh stop %s/mariadb", test_dir);
	start_server(false);
	refused_without_a_secret("localhost", "?tls=1");
	refused_without_a_secret("localhost", "?tls=unverified");
	CHECK_STR(cipher_at("localhost", ""), "");
	CHECK_STR(why, "connected");
}

int main(void)
{
	make_test_dir();
	make_certificates();
	start_server(true);
	TEST(a_certificate_that_holds_is_taken);
	TEST(one_that_does_not_is_refused);
	TEST(unverified_takes_any);
	TEST(without_asking_there_is_none);
	TEST(a_server_without_tls_is_refused);
	return tap_done();
}
