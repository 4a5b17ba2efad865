#!/bin/sh
# A private Galera cluster of three nodes for tests (Debian: mariadb-server, galera-4,
# mariadb-backup, socat). Each node has an address of its own and the usual ports; all of
# it is on the loopback.
#
#   t/tools/galera.sh start DIR ADDRESS1 ADDRESS2 ADDRESS3 [OWNER]
#       starts the nodes; their data lie in DIR/1, DIR/2 and DIR/3, each with its process id
#       in `pid` and its log in `log`. They end when process OWNER ends.
#       User lunasip (password geheim) has the empty database `lunasip`.
#   t/tools/galera.sh node DIR N [fresh]
#       starts node N again, which takes from the others what it lacks; fresh: it has lost
#       its disk, and gets all of it (by mariabackup).
#   t/tools/galera.sh stop DIR
#       kills what runs.
#
# The data of the first start are made once, under $BUILD (build), and copied.
set -eu

PROVIDER=/usr/lib/galera/libgalera_smm.so

fail() {
	echo "galera.sh: $*" >&2
	exit 1
}

installed() {
	PATH=$PATH:/usr/sbin:/usr/libexec
	for program in mariadbd mariadb mariadb-backup wsrep_sst_mariabackup socat; do
		command -v $program >/dev/null || fail "$program is not installed (see tools/setup galera)"
	done
	[ -e $PROVIDER ] || fail "$PROVIDER is not installed (see tools/setup galera)"
}

# What is dead may wait long to be reaped.
running() {
	[ -s "$dir/$1/pid" ] && readlink "/proc/$(cat "$dir/$1/pid")/exe" >/dev/null
}

# The path of a socket may have 107 bytes.
socket_of() {
	[ -s "$dir/sockets" ] || mktemp -d >"$dir/sockets"
	echo "$(cat "$dir/sockets")/$1"
}

client() {
	node=$1
	shift
	mariadb --no-defaults -u root -S "$(socket_of "$node")" -N -B "$@"
}

# A node that says nothing is given up after a second (5 s by default), and work goes on a
# second later. State transfer listens on every address: its port must be the node's own.
configure() {
	address=$(sed -n "$1p" "$dir/addresses")
	mkdir -p "$dir/$1/data" "$dir/$1/tmp"
	user=
	[ "$(id -u)" != 0 ] || user=user=root
	cat >"$dir/$1/my.cnf" <<END
[mysqld]
$user
datadir=$dir/$1/data
tmpdir=$dir/$1/tmp
socket=$(socket_of "$1")
pid-file=$dir/$1/mariadbd.pid
bind-address=$address
port=3306
skip-name-resolve
innodb-log-file-size=4M
innodb-data-file-path=ibdata1:4M:autoextend
innodb-temp-data-file-path=ibtmp1:4M:autoextend
innodb-buffer-pool-size=16M
innodb-flush-log-at-trx-commit=2
innodb-use-native-aio=0
innodb-autoinc-lock-mode=2
performance-schema=off
key-buffer-size=1M
aria-pagecache-buffer-size=1M
binlog-format=ROW
wsrep-on=ON
wsrep-provider=$PROVIDER
wsrep-cluster-name=lunasip-test
wsrep-cluster-address=gcomm://$(paste -sd, "$dir/addresses")
wsrep-node-address=$address
wsrep-node-name=node$1
wsrep-sst-method=mariabackup
wsrep-sst-auth=root:
wsrep-sst-receive-address=$address:$((20000 + ($(cat "$dir/seed") * 4 + $1) % 12000))
wsrep-provider-options="gmcast.listen_addr=tcp://$address:4567;ist.recv_addr=$address:4568;gcache.size=16M;gcache.page_size=16M;evs.keepalive_period=PT0.2S;evs.inactive_check_period=PT0.1S;evs.suspect_timeout=PT1S;evs.inactive_timeout=PT5S;evs.install_timeout=PT5S"
[sst]
sst-syslog=-1
sst-log-archive=0
tmpdir=$dir/$1/tmp
END
}

# run N OPTION…: in the background.
run() {
	node=$1
	shift
	setsid mariadbd --defaults-file="$dir/$node/my.cnf" "$@" </dev/null >>"$dir/$node/log" 2>&1 &
	echo $! >"$dir/$node/pid"
}

# 1: it has ended.
await() {
	tries=0
	until client "$1" -e "SHOW STATUS LIKE 'wsrep_ready'" 2>/dev/null | grep -q ON; do
		tries=$((tries + 1))
		running "$1" || return 1
		[ $tries -lt 900 ] || fail "node $1 does not get ready, see $dir/$1/log"
		sleep 0.1
	done
}

# Where an unclean end left the data: the node asks for what came after that.
position() {
	mariadbd --defaults-file="$dir/$1/my.cnf" --wsrep-recover 2>&1 |
		sed -n 's/.*Recovered position: *//p' | tail -n 1
}

# The data of a node that has ended as the last one.
template() {
	plain=$(sh "$(dirname "$0")/mariadb.sh" template)
	made=${plain%/*}/galera
	(
		flock 9
		[ ! -d "$made" ] || exit 0
		rm -rf "$made.new"
		dir=$made.new
		mkdir -p "$dir/1"
		echo 127.0.0.1 >"$dir/addresses"
		echo $$ >"$dir/seed"
		cp -r --sparse=always "$plain" "$dir/1/data"
		configure 1
		sed -i '/^bind-address\|^port/d; s/^skip-name-resolve/&\nskip-networking/; s/tcp:[^;]*:4567/tcp:\/\/127.0.0.1:0/' \
			"$dir/1/my.cnf"
		run 1 --wsrep-new-cluster
		await 1 || fail "the first node ended: $(grep -a ERROR "$dir/1/log")"
		client 1 -e "CREATE DATABASE lunasip; CREATE USER lunasip IDENTIFIED BY 'geheim';
			GRANT ALL ON *.* TO lunasip"
		kill "$(cat "$dir/1/pid")"
		while running 1; do sleep 0.1; done
		rm -f "$dir/1/data/galera.cache"
		rm -rf "$(cat "$dir/sockets")"
		mv "$dir/1/data" "$made"
		rm -rf "$dir"
	) 9>"$made.lock"
	echo "$made"
}

# Node $1 of a cluster that runs. On a busy machine it may not get in at once, and ends.
join() {
	for try in 1 2 3 4 5; do
		at=
		[ ! -e "$dir/$1/data/ibdata1" ] || at=$(position "$1")
		run "$1" ${at:+--wsrep-start-position=$at}
		! await "$1" || return 0
	done
	fail "node $1 ended $try times: $(grep -a ERROR "$dir/$1/log" | tail -n 3)"
}

start() {
	installed
	from=$(template)
	for node in 1 2 3; do
		configure $node
		cp -r --sparse=always "$from/." "$dir/$node/data"
	done
	run 1 --wsrep-new-cluster
	await 1 || fail "the first node ended: $(grep -a ERROR "$dir/1/log")"
	for member in 2 3; do
		sed -i 's/^safe_to_bootstrap: .*/safe_to_bootstrap: 0/' "$dir/$member/data/grastate.dat"
	done
	join 2 &
	second=$!
	join 3
	wait $second
	for node in 1 2 3; do # one may have lost the others while another came
		await $node || fail "node $node ended: $(grep -a ERROR "$dir/$node/log")"
	done
	[ -z "$owner" ] || watch
}

stop() {
	for node in 1 2 3; do
		! running $node || kill -KILL "$(cat "$dir/$node/pid")"
	done
	[ ! -s "$dir/sockets" ] || rm -rf "$(cat "$dir/sockets")"
}

watch() {
	(
		while [ -d "$dir" ] && kill -0 "$owner" 2>/dev/null; do sleep 1; done
		[ ! -d "$dir" ] || stop
	) </dev/null >/dev/null 2>&1 &
}

[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1 in
start)
	printf '%s\n' "$3" "$4" "$5" >"$dir/addresses"
	owner=${6:-}
	echo "${owner:-$$}" >"$dir/seed"
	start
	;;
node)
	[ "${4:-}" != fresh ] || rm -rf "$dir/$3/data"
	configure "$3"
	join "$3"
	;;
stop) stop ;;
*) fail "start, node or stop, not $1" ;;
esac
