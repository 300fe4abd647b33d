#!/usr/bin/env bash
# A real PostgreSQL, Redis, Postfix and Dovecot for the tests: private ones on free ports of 127.0.0.1, gone afterwards.
#
#   scripts/services.sh run -- CMD...    start them, run CMD with their addresses in the environment, stop them
#   eval "$(scripts/services.sh start)"  start them and leave them running; prints the exports
#   scripts/services.sh stop             stop those (found by RAPPORT_TEST_SERVICES, which start exports)
#
# Exported: RAPPORT_TEST_DATABASE_URL, RAPPORT_TEST_REDIS_URL, RAPPORT_TEST_SMTP (host:port),
# RAPPORT_TEST_SMTP_CA (the CA file behind its TLS), RAPPORT_TEST_MAILDIR, RAPPORT_TEST_IMAP and RAPPORT_TEST_IMAPS
# (host:port of Dovecot), RAPPORT_TEST_IMAP_HOME (where each mailbox has its Maildir), RAPPORT_TEST_IMAP_PASSWORD (of all),
# RAPPORT_TEST_LMTP (host:port where a test may take in the mail of reply-lmtp.test), RAPPORT_TEST_REQUIRED=1
# (a test that misses a service fails instead of doing less) and RAPPORT_TEST_SERVICES (their directory).
# SERVICES="postgres redis" starts only those named; the default is "postgres redis mail browser" (browser: Chromium is there; nothing runs).
#
# What is missing is installed with apt-get, as root or through passwordless sudo; else one line says what to
# install. Postfix itself starts only as root, so the mail server needs one of the two in any case.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
wanted=" ${SERVICES:-postgres redis mail browser} "
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps servers, and not in an ordinary user's PATH

say() { printf '%s\n' "$*" >&2; }
die() { say "services: $*"; exit 1; }
wants() { [[ $wanted == *" $1 "* ]]; }
is_root() { [ "$(id -u)" = 0 ]; }
may_root() { is_root || sudo -n true 2>/dev/null; }
as_root() { if is_root; then "$@"; else sudo -n "$@"; fi; }

# PostgreSQL refuses to run as root. From / because that user may not enter the current directory.
as_postgres() { (cd / && if is_root; then runuser -u postgres -- "$@"; else "$@"; fi); }

pg_bin() { # prints the directory of the newest installed server
  local dir
  dir=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  [ -x "$dir/initdb" ] || dir=$(pg_config --bindir 2>/dev/null) || return 1
  [ -x "$dir/initdb" ] && echo "$dir"
}

has() { command -v "$1" >/dev/null; }

missing() { # prints the Debian packages that are not there
  if wants postgres; then pg_bin >/dev/null || echo postgresql; fi
  if wants redis; then has redis-server || echo redis-server; fi
  if wants mail; then
    has postfix || echo postfix
    has dovecot || echo dovecot-core
    [ -x /usr/lib/dovecot/imap ] || echo dovecot-imapd
    [ -x /usr/lib/dovecot/lmtp ] || echo dovecot-lmtpd
    has sievec || echo dovecot-sieve
    has s-nail || echo s-nail # the customers' mail program
    /usr/bin/python3 -c 'import dkim' 2>/dev/null || echo python3-dkim # checks our signatures with code that is not ours
  fi
  if wants browser; then has chromium || has chromium-browser || has google-chrome || echo chromium; fi
  has openssl || echo openssl
  has notmuch || echo notmuch # tells our conversations apart with code that is not ours
}

install_missing() {
  local packages policy=/usr/sbin/policy-rc.d try
  packages=$(missing | xargs)
  if [ -z "$packages" ]; then
    ! wants mail || may_root || die "Postfix starts only as root: run this as root, or let sudo work without a password (sudo -v, then again)"
    return 0
  fi
  { has apt-get && may_root; } || die "first install: $packages (on Debian: sudo apt-get install $packages)"

  say "services: installing $packages"
  if [ ! -e $policy ]; then # 101 forbids the packages to start servers of their own
    made_policy=$policy
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
  fi
  if [[ " $packages " == *" postfix "* ]]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections || true
  fi
  for try in 1 2 3; do
    # --no-remove: never put our Postfix in the place of the mail server somebody uses.
    if as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -qy --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120 $packages; then
      break
    fi >"$dir/apt.log" 2>&1
    [ $try -lt 3 ] || { tail -n 15 "$dir/apt.log" >&2; die "could not install $packages: do it by hand (sudo apt-get install $packages)"; }
    sleep $((try * 5))
  done
  drop_policy
  [ -z "$(missing)" ] || die "first install: $(missing | xargs)"
}

made_policy=
drop_policy() { [ -z "$made_policy" ] || { as_root rm -f "$made_policy"; made_policy=; }; }

free_port() { # prints a port of 127.0.0.1 where nobody listens, below the range the kernel gives to clients
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
  done
  die "found no free port"
}

wait_for() { # wait_for SECONDS CMD...: until CMD succeeds
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}

start_postgres() {
  local bin port data=$dir/postgres/data
  bin=$(pg_bin)
  port=$(free_port)
  mkdir "$dir/postgres"
  ! is_root || chown postgres "$dir/postgres"
  as_postgres "$bin/initdb" -D "$data" -U rapport -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 ||
    { cat "$dir/initdb.log" >&2; die "PostgreSQL could not make its data directory"; }
  # fsync stays on: the crash tests and the bench would tell nothing without it.
  as_postgres tee -a "$data/postgresql.conf" >/dev/null <<-CONF
	listen_addresses = '127.0.0.1'
	port = $port
	unix_socket_directories = ''
	max_connections = 300
	shared_buffers = 1GB
	fsync = on
	synchronous_commit = on
	CONF
  as_postgres "$bin/pg_ctl" -D "$data" -l "$dir/postgres/log" -w -t 60 start >/dev/null ||
    { tail -n 20 "$dir/postgres/log" >&2; die "PostgreSQL did not start"; }
  exports RAPPORT_TEST_DATABASE_URL "postgres://rapport@127.0.0.1:$port/postgres?sslmode=disable"
}

start_redis() {
  local port password
  port=$(free_port)
  password=$(openssl rand -hex 16) # as in production: a client that forgets the password must fail here
  mkdir -m 700 "$dir/redis"
  cat >"$dir/redis/redis.conf" <<-CONF
	bind 127.0.0.1
	port $port
	requirepass $password
	daemonize yes
	dir $dir/redis
	pidfile $dir/redis/pid
	logfile $dir/redis/log
	save ""
	appendonly no
	CONF
  redis-server "$dir/redis/redis.conf" >/dev/null
  REDISCLI_AUTH=$password wait_for 20 redis_answers "$port" || { tail -n 20 "$dir/redis/log" >&2; die "Redis did not start"; }
  exports RAPPORT_TEST_REDIS_URL "redis://default:$password@127.0.0.1:$port/0"
}

redis_answers() { [ "$(redis-cli -h 127.0.0.1 -p "$1" ping)" = PONG ]; }

start_mail() {
  local port conf=$dir/postfix owner imap imaps lmtp listen
  port=$(free_port)
  # Postfix delivers as no system user (uid < 100), so root's Maildir belongs to nobody; root reads it all the same.
  if is_root; then owner=$(id -u nobody); else owner=$(id -u); fi
  mkdir -p "$dir/tls" "$dir/maildir"/{new,cur,tmp}
  make_certificates "$dir/tls"
  as_root chown -R "$owner" "$dir/maildir"
  as_root mkdir -p "$conf" "$dir/postfix-queue" "$dir/postfix-data"
  as_root chown postfix "$dir/postfix-data"
  {
    printf 'test_dir = %s\ntest_owner = %s\n' "$dir" "$owner"
    cat "$here/mail/main.cf"
  } | as_root tee "$conf/main.cf" >/dev/null
  sed "s/@PORT@/$port/" "$here/mail/master.cf" | as_root tee "$conf/master.cf" >/dev/null
  as_root cp "$here/mail/mailboxes" "$conf/mailboxes"
  imap=$(free_port) imaps=$(free_port) lmtp=$(free_port) listen=$(free_port)
  sed "s/@LMTP@/$lmtp/; s/@LISTEN@/$listen/" "$here/mail/transport" | as_root tee "$conf/transport" >/dev/null
  start_dovecot
  { as_root postfix -c "$conf" start && wait_for 20 smtp_greets "$port"; } >"$dir/postfix.start" 2>&1 ||
    { cat "$dir/postfix.start" >&2; as_root tail -n 20 "$dir/postfix.log" >&2; die "Postfix did not start"; }
  exports RAPPORT_TEST_SMTP "127.0.0.1:$port"
  exports RAPPORT_TEST_SMTP_CA "$dir/tls/ca.pem"
  exports RAPPORT_TEST_MAILDIR "$dir/maildir"
  exports RAPPORT_TEST_IMAP "127.0.0.1:$imap"
  exports RAPPORT_TEST_IMAPS "127.0.0.1:$imaps"
  exports RAPPORT_TEST_IMAP_HOME "$dir/imap"
  exports RAPPORT_TEST_LMTP "127.0.0.1:$listen"
}

# Dovecot needs no root; as root it takes the users that its package made. Mailboxes belong to the owner of the Maildir.
start_dovecot() {
  local internal login group password
  internal=$(id -un) login=$(id -un) group=$(id -gn)
  ! is_root || internal=dovecot login=dovenull group=dovecot
  mkdir -p "$dir/dovecot" "$dir/imap"
  chmod 777 "$dir/imap"
  password=$(openssl rand -hex 8)
  printf '%s@reply-imap.test:{PLAIN}%s::::::\n' reply "$password" bounce "$password" shop "$password" >"$dir/imap/users"
  sed "s|@DIR@|$dir|g; s/@IMAP@/$imap/; s/@IMAPS@/$imaps/; s/@LMTP@/$lmtp/; s/@SMTP@/$port/; s/@UID@/$owner/; s/@GID@/$(id -g "$owner")/; s/@INTERNAL@/$internal/; s/@GROUP@/$group/; s/@LOGIN@/$login/; s/@PASSWORD@/$password/" \
    "$here/mail/dovecot.conf" >"$dir/dovecot/dovecot.conf"
  { dovecot -c "$dir/dovecot/dovecot.conf" && wait_for 20 imap_greets "$imap"; } >"$dir/dovecot.start" 2>&1 ||
    { cat "$dir/dovecot.start" "$dir/dovecot.log" >&2 || true; die "Dovecot did not start"; }
  exports RAPPORT_TEST_IMAP_PASSWORD "$password"
}

imap_greets() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$1" && read -r -t 5 line <&3 && exec 3>&- && [[ $line == "* OK"* ]]
}

smtp_greets() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$1" && read -r -t 5 line <&3 && printf 'QUIT\r\n' >&3 && exec 3>&- && [[ $line == "220 mail.example.test "* ]]
}

make_certificates() { # a CA that lives as long as these services, and the mail server's certificate by it
  (
    cd "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
      -subj '/CN=Rapport test CA' -keyout ca.key -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
      -subj '/CN=mail.example.test' -keyout mail.key -out mail.csr
    openssl x509 -req -in mail.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out mail.pem \
      -extfile <(echo 'subjectAltName=DNS:mail.example.test,DNS:localhost,IP:127.0.0.1')
    rm ca.key
  ) >"$dir/openssl.log" 2>&1 || { cat "$dir/openssl.log" >&2; die "openssl could not make the mail server's certificate"; }
}

exports() { export "$1=$2"; printf "export %s='%s'\n" "$1" "$2" >>"$dir/env"; }

start_all() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/rapport-services.XXXXXX")
  chmod 711 "$dir" # the servers' own users must reach their folders
  install_missing
  ! wants postgres || start_postgres
  ! wants redis || start_redis
  ! wants mail || start_mail
  exports RAPPORT_TEST_REQUIRED 1
  exports RAPPORT_TEST_SERVICES "$dir"
}

# stop_all stops the servers of $dir, each by the pid file it wrote there, and removes the directory. A server that
# stands already is no error.
stop_all() {
  [ -n "${dir:-}" ] || return 0
  drop_policy
  if [ -e "$dir/postfix" ]; then as_root postfix -c "$dir/postfix" stop >/dev/null 2>&1 || true; fi
  if [ -e "$dir/dovecot/dovecot.conf" ]; then dovecot -c "$dir/dovecot/dovecot.conf" stop >/dev/null 2>&1 || true; fi
  if [ -e "$dir/redis/pid" ]; then
    local pid
    pid=$(cat "$dir/redis/pid")
    kill "$pid" 2>/dev/null || true
    wait_for 10 gone "$pid" || say "services: Redis (pid $pid) does not stop"
  fi
  if [ -e "$dir/postgres/data" ]; then
    as_postgres "$(pg_bin)/pg_ctl" -D "$dir/postgres/data" -m immediate -w stop >/dev/null 2>&1 || true
  fi
  if may_root; then as_root rm -rf "$dir"; else rm -rf "$dir"; fi
  dir=
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# run_with runs its command in a process group of its own, so that Ctrl-C reaches it once, through us, and whatever
# it leaves behind can be ended before the servers are.
run_with() {
  local code=0 pid
  set -m
  "$@" &
  pid=$!
  set +m
  if wants mail && ! is_root; then keep_sudo $pid >/dev/null & fi
  trap 'kill -TERM $pid 2>/dev/null' INT TERM HUP
  while :; do
    code=0
    wait $pid || code=$?
    gone $pid && break # else a signal ended the wait, not the command
  done
  trap '' INT TERM HUP
  if kill -TERM -- -$pid 2>/dev/null; then
    wait_for 5 gone -$pid || kill -KILL -- -$pid 2>/dev/null || true
  fi
  return $code
}

# keep_sudo renews sudo's leave while process PID runs: tests may take longer than it lasts, and stopping needs it.
keep_sudo() {
  until gone "$1"; do
    sudo -n -v 2>/dev/null || return 0
    sleep 5
  done
}

case ${1:-} in
start)
  trap stop_all EXIT
  trap 'exit 130' INT TERM HUP
  start_all
  trap - EXIT
  cat "$dir/env"
  ;;
stop)
  dir=${RAPPORT_TEST_SERVICES:-}
  [ -f "$dir/env" ] || die "nothing to stop: RAPPORT_TEST_SERVICES names no running services"
  [ ! -e "$dir/postfix" ] || may_root || die "Postfix stops only as root: sudo -v, then again"
  stop_all
  ;;
run)
  shift
  [ "${1:-}" != -- ] || shift
  [ $# -gt 0 ] || die "run what? scripts/services.sh run -- CMD..."
  trap stop_all EXIT
  trap 'exit 130' INT TERM HUP
  start_all
  code=0
  run_with "$@" || code=$?
  exit $code
  ;;
*)
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
  exit 2
  ;;
esac
