#!/bin/sh
# A private MariaDB server for tests: own data, a Unix socket, no network.
#
#   t/tools/mariadb.sh start DIR [OWNER]
#       starts a server whose data lie in DIR (made if need be; a later start goes on
#       with what is there; one that runs is left running) and prints the URL of its
#       empty database `lunasip`.  Its process id is in DIR/pid, its log in DIR/log.
#       It stops by itself when process OWNER ends.
#   t/tools/mariadb.sh stop DIR
#       stops it; its data stay.
#   t/tools/mariadb.sh socket DIR
#       prints the path of the socket, for the client: mariadb -u root -S SOCKET lunasip
#   t/tools/mariadb.sh template
#       prints the path of a data directory with the system tables, for copying.
#
# The system tables are made once, under $BUILD (build), and copied.  Options in
# $MARIADB_OPTIONS come last and win.
set -eu

fail() {
	echo "mariadb.sh: $*" >&2
	exit 1
}

installed() {
	PATH=$PATH:/usr/sbin:/usr/libexec
	for program in mariadbd mariadb-install-db mariadb; do
		command -v $program >/dev/null ||
			fail "$program is not installed (Debian: mariadb-server-core, mariadb-client-core)"
	done
}

# Who runs the server; root must say so, others must not.
as_user=
[ "$(id -u)" != 0 ] || as_user=--user=root

small="--innodb-log-file-size=4M --innodb-data-file-path=ibdata1:4M:autoextend"

# Prints the path of a data directory to copy.
template() {
	base=${BUILD:-build}/mariadb
	mkdir -p "$base"
	base=$(cd "$base" && pwd)
	(
		flock 9
		[ ! -d "$base/template" ] || exit 0
		rm -rf "$base/new"
		# --force: also where no /etc/hosts knows localhost
		mariadb-install-db --no-defaults --force $as_user --datadir="$base/new" $small \
			--auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
			>"$base/install.log" 2>&1 ||
			fail "the system tables could not be made, see $base/install.log"
		mv "$base/new" "$base/template"
	) 9>"$base/lock"
	echo "$base/template"
}

# The path of a socket may have 107 bytes.
choose_socket() {
	[ ! -e "$dir/socket.path" ] || return 0
	socket=$dir/socket
	[ ${#socket} -lt 100 ] || socket=$(mktemp -d)/socket
	echo "$socket" >"$dir/socket.path"
}

running() {
	[ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

client() {
	mariadb --no-defaults -u root -S "$socket" "$@"
}

await() {
	tries=0
	until client -e 'CREATE DATABASE IF NOT EXISTS lunasip' >/dev/null 2>&1; do
		tries=$((tries + 1))
		kill -0 "$1" 2>/dev/null || fail "mariadbd ended: $(tail -n 3 "$dir/log")"
		[ $tries -lt 600 ] || fail "mariadbd does not answer, see $dir/log"
		sleep 0.1
	done
}

url() {
	echo "mysql://root@localhost/lunasip?socket=$socket"
}

start() {
	installed
	if [ ! -d "$dir/data" ]; then
		from=$(template)
		cp -r --sparse=always "$from" "$dir/data"
	fi
	choose_socket
	socket=$(cat "$dir/socket.path")
	if running; then
		url
		return
	fi
	rm -f "$socket"
	setsid mariadbd --no-defaults $as_user --datadir="$dir/data" --socket="$socket" \
		--pid-file="$dir/pid" --skip-networking --skip-name-resolve $small \
		--innodb-buffer-pool-size=16M --innodb-temp-data-file-path=ibtmp1:4M:autoextend \
		--innodb-flush-log-at-trx-commit=2 --innodb-use-native-aio=0 \
		--performance-schema=off --key-buffer-size=1M --aria-pagecache-buffer-size=1M \
		${MARIADB_OPTIONS:-} </dev/null >"$dir/log" 2>&1 &
	server=$!
	await $server
	[ -z "$owner" ] || watch $server
	url
}

watch() {
	(
		while kill -0 "$1" 2>/dev/null; do
			kill -0 "$owner" 2>/dev/null || { kill "$1"; break; }
			sleep 1
		done
	) </dev/null >/dev/null 2>&1 &
}

stop() {
	running || return 0
	pid=$(cat "$dir/pid")
	kill -CONT "$pid"
	kill "$pid"
	tries=0
	while kill -0 "$pid" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -ne 300 ] || kill -KILL "$pid"
		sleep 0.1
	done
	rm -f "$dir/pid"
}

if [ "${1:-}" = template ]; then
	installed
	template
	exit
fi
[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$2"
dir=$(cd "$2" && pwd)
owner=${3:-}
case $1 in
start) start ;;
stop) stop ;;
socket) cat "$dir/socket.path" ;;
*) fail "start, stop or socket, not $1" ;;
esac
