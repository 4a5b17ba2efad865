-- The tables of lunasip in MariaDB or MySQL; what is there already is left alone.
--
-- Columns and versions are those of Kamailio 5.6, so that both can share a
-- database; one that Kamailio made serves as it is.  What differs on purpose:
--
-- Texts that come from the wire are VARBINARY: bob, BOB and "bob " are three
-- users, and no byte is recoded or refused.  (In tables with another collation
-- lunasip compares byte for byte all the same.)
--
-- DATETIMEs are in the local time of the hosts that run the proxies, as Kamailio
-- has it: these hosts must agree on their time zone, best UTC, which never
-- repeats an hour.  Unix time 0, or 1970-01-01 00:00:00, means "never expires".
--
-- subscriber.ha1_sha256 and lunasip_secret are ours alone; a subscriber table
-- without that column works, for MD5.
-- A semicolon at the end of a line ends a statement (and stands nowhere else).

CREATE TABLE IF NOT EXISTS version (
	id            INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	table_name    VARCHAR(32) NOT NULL,
	table_version INT UNSIGNED NOT NULL DEFAULT 0,
	UNIQUE KEY version_table (table_name)
) ENGINE = InnoDB;

-- Who may register and call.  ha1 is MD5(username:realm:password), ha1b the same
-- with username@domain, ha1_sha256 the SHA-256 one (RFC 8760); password is the
-- plain text, or empty.
CREATE TABLE IF NOT EXISTS subscriber (
	id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	username   VARBINARY(255) NOT NULL DEFAULT '',
	domain     VARBINARY(255) NOT NULL DEFAULT '',
	password   VARBINARY(255) NOT NULL DEFAULT '',
	ha1        VARBINARY(128) NOT NULL DEFAULT '',
	ha1b       VARBINARY(128) NOT NULL DEFAULT '',
	ha1_sha256 VARBINARY(64) NOT NULL DEFAULT '',
	UNIQUE KEY subscriber_account (username, domain)
) ENGINE = InnoDB;

-- Where they can be reached: one row a binding.
CREATE TABLE IF NOT EXISTS location (
	id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	ruid          VARBINARY(64) NOT NULL,
	username      VARBINARY(255) NOT NULL,
	domain        VARBINARY(255) DEFAULT NULL,
	contact       VARBINARY(1024) NOT NULL,
	received      VARBINARY(255) DEFAULT NULL,
	path          VARBINARY(2048) DEFAULT NULL,
	expires       DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00',
	q             FLOAT(10,3) NOT NULL DEFAULT -1.0,
	callid        VARBINARY(512) NOT NULL DEFAULT '',
	cseq          INT UNSIGNED NOT NULL DEFAULT 1,
	last_modified DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00',
	flags         INT NOT NULL DEFAULT 0,
	cflags        INT NOT NULL DEFAULT 0,
	user_agent    VARBINARY(512) NOT NULL DEFAULT '',
	socket        VARBINARY(255) DEFAULT NULL,
	methods       INT DEFAULT NULL,
	instance      VARBINARY(512) DEFAULT NULL,
	reg_id        INT NOT NULL DEFAULT 0,
	server_id     INT NOT NULL DEFAULT 0,
	connection_id INT NOT NULL DEFAULT -1,
	keepalive     INT NOT NULL DEFAULT 0,
	`partition`   INT NOT NULL DEFAULT 0,
	UNIQUE KEY location_ruid (ruid),
	KEY location_account (username, domain),
	KEY location_expires (expires)
) ENGINE = InnoDB;

-- The same for second names of a user.  A row needs a ruid of its own (any text),
-- username (the alias) and contact (the URI it stands for).
CREATE TABLE IF NOT EXISTS aliases (
	id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	ruid          VARBINARY(64) NOT NULL,
	username      VARBINARY(255) NOT NULL,
	domain        VARBINARY(255) DEFAULT NULL,
	contact       VARBINARY(1024) NOT NULL,
	received      VARBINARY(255) DEFAULT NULL,
	path          VARBINARY(2048) DEFAULT NULL,
	expires       DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00',
	q             FLOAT(10,3) NOT NULL DEFAULT -1.0,
	callid        VARBINARY(512) NOT NULL DEFAULT '',
	cseq          INT UNSIGNED NOT NULL DEFAULT 1,
	last_modified DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00',
	flags         INT NOT NULL DEFAULT 0,
	cflags        INT NOT NULL DEFAULT 0,
	user_agent    VARBINARY(512) NOT NULL DEFAULT '',
	socket        VARBINARY(255) DEFAULT NULL,
	methods       INT DEFAULT NULL,
	instance      VARBINARY(512) DEFAULT NULL,
	reg_id        INT NOT NULL DEFAULT 0,
	server_id     INT NOT NULL DEFAULT 0,
	connection_id INT NOT NULL DEFAULT -1,
	keepalive     INT NOT NULL DEFAULT 0,
	`partition`   INT NOT NULL DEFAULT 0,
	UNIQUE KEY aliases_ruid (ruid),
	KEY aliases_account (username, domain),
	KEY aliases_expires (expires)
) ENGINE = InnoDB;

-- Which users may call themselves what in To and From.
CREATE TABLE IF NOT EXISTS uri (
	id            INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	username      VARBINARY(255) NOT NULL DEFAULT '',
	domain        VARBINARY(255) NOT NULL DEFAULT '',
	uri_user      VARBINARY(255) NOT NULL DEFAULT '',
	last_modified DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00',
	UNIQUE KEY uri_account (username, domain, uri_user)
) ENGINE = InnoDB;

-- Accounts of transactions, and of calls nobody answered.
CREATE TABLE IF NOT EXISTS acc (
	id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	method     VARBINARY(16) NOT NULL DEFAULT '',
	from_tag   VARBINARY(128) NOT NULL DEFAULT '',
	to_tag     VARBINARY(128) NOT NULL DEFAULT '',
	callid     VARBINARY(255) NOT NULL DEFAULT '',
	sip_code   VARBINARY(3) NOT NULL DEFAULT '',
	sip_reason VARBINARY(128) NOT NULL DEFAULT '',
	time       DATETIME NOT NULL,
	KEY acc_callid (callid)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS missed_calls (
	id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	method     VARBINARY(16) NOT NULL DEFAULT '',
	from_tag   VARBINARY(128) NOT NULL DEFAULT '',
	to_tag     VARBINARY(128) NOT NULL DEFAULT '',
	callid     VARBINARY(255) NOT NULL DEFAULT '',
	sip_code   VARBINARY(3) NOT NULL DEFAULT '',
	sip_reason VARBINARY(128) NOT NULL DEFAULT '',
	time       DATETIME NOT NULL,
	KEY missed_calls_callid (callid)
) ENGINE = InnoDB;

-- Secrets which all proxies of a fleet share, such as the key of the nonces.
CREATE TABLE IF NOT EXISTS lunasip_secret (
	name  VARBINARY(64) NOT NULL PRIMARY KEY,
	value VARBINARY(255) NOT NULL
) ENGINE = InnoDB;

INSERT INTO version (table_name, table_version) VALUES
	('version', 1), ('subscriber', 7), ('location', 9), ('aliases', 9),
	('uri', 1), ('acc', 5), ('missed_calls', 4)
	ON DUPLICATE KEY UPDATE table_name = VALUES(table_name);
