#!/bin/sh
# Write the lock files anew from pyproject.toml and pipecat.in. Needs uv. Run from the repository's root.
set -eu
compile() {
    uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --quiet "$@"
}
compile pyproject.toml -o deploy/locks/runtime.txt
compile pyproject.toml --all-extras --group dev -o deploy/locks/dev.txt
compile deploy/locks/pipecat.in -o deploy/locks/pipecat.txt
