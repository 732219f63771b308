#!/usr/bin/env bash
# Make the base image of deploy/Dockerfile from Debian's packages, on a machine that can pull none.
# Prints the image's name. Skips it when it is there already.
set -euo pipefail

IMAGE=agent-runtime-test/python:bookworm
if ! docker image inspect "$IMAGE" >/dev/null 2>&1; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mmdebstrap --quiet --variant=essential --include=python3-minimal,python3-venv,ca-certificates,libstdc++6 \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -rf "$1"/var/cache/* "$1"/var/lib/apt/lists "$1"/usr/share/info "$1"/usr/share/bash-completion' \
        bookworm "$work/base.tar"
    docker import "$work/base.tar" "$IMAGE" >/dev/null
fi
echo "$IMAGE"
