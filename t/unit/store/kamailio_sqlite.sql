-- Tables as Kamailio 5.6 makes them in SQLite, and rows as it writes them: a time is the
-- Julian day of half a second before.
CREATE TABLE version (id INTEGER PRIMARY KEY NOT NULL, table_name VARCHAR(32) NOT NULL UNIQUE,
	table_version INTEGER DEFAULT 0 NOT NULL);
CREATE TABLE subscriber (
	id INTEGER PRIMARY KEY NOT NULL,
	username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT '' NOT NULL,
	password VARCHAR(64) DEFAULT '' NOT NULL,
	ha1 VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL,
	UNIQUE (username, domain)
);
CREATE TABLE location (
	id INTEGER PRIMARY KEY NOT NULL, ruid VARCHAR(64) DEFAULT '' NOT NULL UNIQUE,
	username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT NULL,
	contact VARCHAR(512) DEFAULT '' NOT NULL,
	received VARCHAR(128) DEFAULT NULL, path VARCHAR(512) DEFAULT NULL,
	expires TIMESTAMP WITHOUT TIME ZONE DEFAULT '2030-05-28 21:32:15' NOT NULL,
	q REAL DEFAULT 1.0 NOT NULL,
	callid VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL, cseq INTEGER DEFAULT 1 NOT NULL,
	last_modified TIMESTAMP WITHOUT TIME ZONE DEFAULT '2000-01-01 00:00:01' NOT NULL,
	flags INTEGER DEFAULT 0 NOT NULL, cflags INTEGER DEFAULT 0 NOT NULL,
	user_agent VARCHAR(255) DEFAULT '' NOT NULL, socket VARCHAR(64) DEFAULT NULL,
	methods INTEGER DEFAULT NULL, instance VARCHAR(255) DEFAULT NULL,
	reg_id INTEGER DEFAULT 0 NOT NULL, server_id INTEGER DEFAULT 0 NOT NULL,
	connection_id INTEGER DEFAULT 0 NOT NULL, keepalive INTEGER DEFAULT 0 NOT NULL,
	partition INTEGER DEFAULT 0 NOT NULL
);
INSERT INTO version (table_name, table_version) VALUES ('subscriber', 7), ('location', 9);
INSERT INTO subscriber (username, domain, password) VALUES ('bob', 'example.org', 'secret');
INSERT INTO location (ruid, username, contact, expires, last_modified) VALUES
	('uloc-1', 'bob', 'sip:1', 1899999999.5 / 86400 + 2440587.5, 1799999999.5 / 86400 + 2440587.5),
	('uloc-2', 'bob', 'sip:2', -0.5 / 86400 + 2440587.5, 1799999999.5 / 86400 + 2440587.5),
	('by-hand', 'bob', 'sip:3', '2030-03-17 17:46:40', julianday('2027-01-15 08:00:00')),
	('default', 'bob', 'sip:4', '2030-05-28 21:32:15', '2000-01-01');
