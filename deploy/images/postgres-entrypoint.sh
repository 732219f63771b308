#!/bin/sh
# Start PostgreSQL as the official image does, as far as tests need it: POSTGRES_PASSWORD of the user
# postgres, connections from everywhere, and the line "ready to accept connections" said twice.
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

if [ ! -s "$data/PG_VERSION" ]; then
    mkdir -p "$data"
    chown postgres:postgres "$data"
    chmod 700 "$data"
    printf '%s' "${POSTGRES_PASSWORD:?is not set}" >/tmp/password
    chown postgres /tmp/password
    as_postgres $bin/initdb -D "$data" -U postgres -A scram-sha-256 --pwfile=/tmp/password \
        -E UTF8 --no-locale >/dev/null
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
    as_postgres $bin/pg_ctl -D "$data" -w -o "-c listen_addresses='' -k /tmp" start
    as_postgres $bin/pg_ctl -D "$data" -w -m fast stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups \
    $bin/postgres -D "$data" -c "listen_addresses=*" -k /tmp
