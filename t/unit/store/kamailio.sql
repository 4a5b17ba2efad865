-- Tables as Kamailio 5.6 makes them in MariaDB: its columns and types, a collation
-- that ignores case and trailing blanks, none of the columns that are ours.
CREATE TABLE version (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	table_name VARCHAR(32) NOT NULL, table_version INT UNSIGNED NOT NULL DEFAULT 0,
	UNIQUE KEY (table_name)
) CHARACTER SET latin1;

CREATE TABLE subscriber (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	username VARCHAR(64) NOT NULL DEFAULT '', domain VARCHAR(64) NOT NULL DEFAULT '',
	password VARCHAR(64) NOT NULL DEFAULT '',
	ha1 VARCHAR(128) NOT NULL DEFAULT '', ha1b VARCHAR(128) NOT NULL DEFAULT '',
	UNIQUE KEY (username, domain), KEY username_idx (username)
) CHARACTER SET latin1;

CREATE TABLE location (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	ruid VARCHAR(64) NOT NULL DEFAULT '',
	username VARCHAR(64) NOT NULL DEFAULT '', domain VARCHAR(64) DEFAULT NULL,
	contact VARCHAR(512) NOT NULL DEFAULT '',
	received VARCHAR(128) DEFAULT NULL, path VARCHAR(512) DEFAULT NULL,
	expires DATETIME NOT NULL DEFAULT '2030-05-28 21:32:15',
	q FLOAT(10,2) NOT NULL DEFAULT 1.0,
	callid VARCHAR(255) NOT NULL DEFAULT 'Default-Call-ID', cseq INT NOT NULL DEFAULT 1,
	last_modified DATETIME NOT NULL DEFAULT '2000-01-01 00:00:01',
	flags INT NOT NULL DEFAULT 0, cflags INT NOT NULL DEFAULT 0,
	user_agent VARCHAR(255) NOT NULL DEFAULT '', socket VARCHAR(64) DEFAULT NULL,
	methods INT DEFAULT NULL, instance VARCHAR(255) DEFAULT NULL,
	reg_id INT NOT NULL DEFAULT 0, server_id INT NOT NULL DEFAULT 0,
	connection_id INT NOT NULL DEFAULT 0, keepalive INT NOT NULL DEFAULT 0,
	`partition` INT NOT NULL DEFAULT 0,
	UNIQUE KEY ruid_idx (ruid), KEY account_contact_idx (username, domain, contact),
	KEY expires_idx (expires)
) CHARACTER SET latin1;

INSERT INTO version (table_name, table_version) VALUES ('subscriber', 7), ('location', 9);

-- Two subscribers whose names a careless comparison takes for one's neighbours,
-- and rows as Kamailio writes them: permanent, with a mask, without anything.
INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES
	('bob', 'example.org', 'secret', 'ha1-bob', 'ha1b-bob'),
	('zoe', 'example.org', '', 'ha1-zoe', '');
INSERT INTO location (ruid, username, contact, received, expires, q, callid, cseq,
	last_modified, cflags, user_agent, socket, methods, connection_id, keepalive) VALUES
	('uloc-1-1', 'bob', 'sip:bob@192.0.2.7:5060', NULL, FROM_UNIXTIME(1900000000), -1.00,
	 'a@b', 7, FROM_UNIXTIME(1800000000), 64, 'phone', 'udp:192.0.2.1:5060', 5951, -1, 1),
	('uloc-1-2', 'zoe', 'sip:zoe@192.0.2.8', 'sip:203.0.113.1:4000', FROM_UNIXTIME(0), 0.70,
	 'c@d', 1, FROM_UNIXTIME(1800000000), 0, '', NULL, NULL, -1, 1);
