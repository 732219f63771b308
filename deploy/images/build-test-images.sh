#!/usr/bin/env bash
# Make the two container images of the end-to-end tests on a machine that can pull none:
# livekit-server from its Go module, PostgreSQL from Debian's packages. Skips what is there already.
set -euo pipefail
cd "$(dirname "$0")"

LIVEKIT_VERSION=v1.13.5 # later ones carry replace directives that `go install` refuses
LIVEKIT_IMAGE=agent-runtime-test/livekit-server:$LIVEKIT_VERSION
POSTGRES_IMAGE=agent-runtime-test/postgres:15

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
present() { docker image inspect "$1" >/dev/null 2>&1; }

if present "$LIVEKIT_IMAGE"; then
    echo "$LIVEKIT_IMAGE: there already"
else
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/agent-runtime
    binary=$cache/livekit-server-$LIVEKIT_VERSION
    if [ ! -x "$binary" ]; then
        echo "livekit-server $LIVEKIT_VERSION: building with Go (about 2 minutes) ..."
        CGO_ENABLED=0 GOBIN=$work go install "github.com/livekit/livekit-server/cmd/server@$LIVEKIT_VERSION" \
            2>"$work/go.log" || { tail -20 "$work/go.log"; exit 1; }
        mkdir -p "$cache"
        mv "$work/server" "$binary"
    fi
    mkdir "$work/livekit"
    cp "$binary" "$work/livekit/livekit-server"
    printf 'FROM scratch\nCOPY livekit-server /livekit-server\nENTRYPOINT ["/livekit-server"]\n' \
        >"$work/livekit/Dockerfile"
    DOCKER_BUILDKIT=0 docker build -q -t "$LIVEKIT_IMAGE" "$work/livekit" 2>/dev/null
    echo "$LIVEKIT_IMAGE: made"
fi

if present "$POSTGRES_IMAGE"; then
    echo "$POSTGRES_IMAGE: there already"
else
    echo "PostgreSQL 15: installing Debian's packages into an image (about 1 minute) ..."
    mmdebstrap --quiet --variant=essential --include=postgresql-15 \
        --customize-hook='copy-in postgres-entrypoint.sh /usr/local/bin' \
        --customize-hook='chmod 755 "$1/usr/local/bin/postgres-entrypoint.sh"' \
        --customize-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/locale "$1"/var/lib/postgresql/15' \
        bookworm "$work/postgres.tar"
    docker import -c 'ENTRYPOINT ["/usr/local/bin/postgres-entrypoint.sh"]' -c 'EXPOSE 5432' \
        "$work/postgres.tar" "$POSTGRES_IMAGE" >/dev/null
    echo "$POSTGRES_IMAGE: made"
fi
