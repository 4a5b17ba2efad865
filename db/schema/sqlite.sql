-- The tables of lunasip in SQLite; what is there already is left alone.
--
-- Columns, types and versions are those which Kamailio 5.6 reads and writes,
-- so that both can share a file.  Two things are worth knowing:
--
-- Times are Julian day numbers (UTC) of half a second before the moment, as
-- Kamailio writes them; text like '2030-01-02 03:04:05' (UTC) is read as well.
-- Unix time 0 means "never expires".  To look at them:
--     SELECT username, contact, datetime(expires, 'localtime') FROM location
--
-- subscriber.ha1_sha256 and lunasip_secret are ours alone; nobody else minds.
-- A semicolon at the end of a line ends a statement (and stands nowhere else).

CREATE TABLE IF NOT EXISTS version (
	id            INTEGER PRIMARY KEY NOT NULL,
	table_name    VARCHAR(32) NOT NULL UNIQUE,
	table_version INTEGER NOT NULL DEFAULT 0
);

-- Who may register and call.  ha1 is MD5(username:realm:password), ha1b the same
-- with username@domain, ha1_sha256 the SHA-256 one (RFC 8760); password is the
-- plain text, or empty.
CREATE TABLE IF NOT EXISTS subscriber (
	id         INTEGER PRIMARY KEY NOT NULL,
	username   VARCHAR(255) NOT NULL DEFAULT '',
	domain     VARCHAR(255) NOT NULL DEFAULT '',
	password   VARCHAR(255) NOT NULL DEFAULT '',
	ha1        VARCHAR(128) NOT NULL DEFAULT '',
	ha1b       VARCHAR(128) NOT NULL DEFAULT '',
	ha1_sha256 VARCHAR(64) NOT NULL DEFAULT '',
	CONSTRAINT subscriber_account UNIQUE (username, domain)
);

-- Where they can be reached: one row a binding.
CREATE TABLE IF NOT EXISTS location (
	id            INTEGER PRIMARY KEY NOT NULL,
	ruid          VARCHAR(64) NOT NULL UNIQUE,
	username      VARCHAR(255) NOT NULL,
	domain        VARCHAR(255) DEFAULT NULL,
	contact       VARCHAR(1024) NOT NULL,
	received      VARCHAR(255) DEFAULT NULL,
	path          VARCHAR(2048) DEFAULT NULL,
	expires       DATETIME NOT NULL DEFAULT 2440587.499994213,
	q             REAL NOT NULL DEFAULT -1.0,
	callid        VARCHAR(512) NOT NULL DEFAULT '',
	cseq          INTEGER NOT NULL DEFAULT 1,
	last_modified DATETIME NOT NULL DEFAULT 2440587.499994213,
	flags         INTEGER NOT NULL DEFAULT 0,
	cflags        INTEGER NOT NULL DEFAULT 0,
	user_agent    VARCHAR(512) NOT NULL DEFAULT '',
	socket        VARCHAR(255) DEFAULT NULL,
	methods       INTEGER DEFAULT NULL,
	instance      VARCHAR(512) DEFAULT NULL,
	reg_id        INTEGER NOT NULL DEFAULT 0,
	server_id     INTEGER NOT NULL DEFAULT 0,
	connection_id INTEGER NOT NULL DEFAULT -1,
	keepalive     INTEGER NOT NULL DEFAULT 0,
	partition     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS location_account ON location (username, domain);
CREATE INDEX IF NOT EXISTS location_expires ON location (expires);

-- The same for second names of a user.  A row needs a ruid of its own (any text),
-- username (the alias) and contact (the URI it stands for).
CREATE TABLE IF NOT EXISTS aliases (
	id            INTEGER PRIMARY KEY NOT NULL,
	ruid          VARCHAR(64) NOT NULL UNIQUE,
	username      VARCHAR(255) NOT NULL,
	domain        VARCHAR(255) DEFAULT NULL,
	contact       VARCHAR(1024) NOT NULL,
	received      VARCHAR(255) DEFAULT NULL,
	path          VARCHAR(2048) DEFAULT NULL,
	expires       DATETIME NOT NULL DEFAULT 2440587.499994213,
	q             REAL NOT NULL DEFAULT -1.0,
	callid        VARCHAR(512) NOT NULL DEFAULT '',
	cseq          INTEGER NOT NULL DEFAULT 1,
	last_modified DATETIME NOT NULL DEFAULT 2440587.499994213,
	flags         INTEGER NOT NULL DEFAULT 0,
	cflags        INTEGER NOT NULL DEFAULT 0,
	user_agent    VARCHAR(512) NOT NULL DEFAULT '',
	socket        VARCHAR(255) DEFAULT NULL,
	methods       INTEGER DEFAULT NULL,
	instance      VARCHAR(512) DEFAULT NULL,
	reg_id        INTEGER NOT NULL DEFAULT 0,
	server_id     INTEGER NOT NULL DEFAULT 0,
	connection_id INTEGER NOT NULL DEFAULT -1,
	keepalive     INTEGER NOT NULL DEFAULT 0,
	partition     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS aliases_account ON aliases (username, domain);
CREATE INDEX IF NOT EXISTS aliases_expires ON aliases (expires);

-- Which users may call themselves what in To and From.
CREATE TABLE IF NOT EXISTS uri (
	id            INTEGER PRIMARY KEY NOT NULL,
	username      VARCHAR(255) NOT NULL DEFAULT '',
	domain        VARCHAR(255) NOT NULL DEFAULT '',
	uri_user      VARCHAR(255) NOT NULL DEFAULT '',
	last_modified DATETIME NOT NULL DEFAULT 2440587.499994213,
	CONSTRAINT uri_account UNIQUE (username, domain, uri_user)
);

-- Accounts of transactions, and of calls nobody answered.
CREATE TABLE IF NOT EXISTS acc (
	id         INTEGER PRIMARY KEY NOT NULL,
	method     VARCHAR(16) NOT NULL DEFAULT '',
	from_tag   VARCHAR(128) NOT NULL DEFAULT '',
	to_tag     VARCHAR(128) NOT NULL DEFAULT '',
	callid     VARCHAR(255) NOT NULL DEFAULT '',
	sip_code   VARCHAR(3) NOT NULL DEFAULT '',
	sip_reason VARCHAR(128) NOT NULL DEFAULT '',
	time       DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS acc_callid ON acc (callid);

CREATE TABLE IF NOT EXISTS missed_calls (
	id         INTEGER PRIMARY KEY NOT NULL,
	method     VARCHAR(16) NOT NULL DEFAULT '',
	from_tag   VARCHAR(128) NOT NULL DEFAULT '',
	to_tag     VARCHAR(128) NOT NULL DEFAULT '',
	callid     VARCHAR(255) NOT NULL DEFAULT '',
	sip_code   VARCHAR(3) NOT NULL DEFAULT '',
	sip_reason VARCHAR(128) NOT NULL DEFAULT '',
	time       DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS missed_calls_callid ON missed_calls (callid);

-- Secrets which all proxies of a fleet share, such as the key of the nonces.
CREATE TABLE IF NOT EXISTS lunasip_secret (
	name  VARCHAR(64) PRIMARY KEY NOT NULL,
	value VARCHAR(255) NOT NULL
);

INSERT OR IGNORE INTO version (table_name, table_version) VALUES
	('version', 1), ('subscriber', 7), ('location', 9), ('aliases', 9),
	('uri', 1), ('acc', 5), ('missed_calls', 4);
