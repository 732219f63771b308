#!/bin/sh
# Write the lock files anew from pyproject.toml. Needs uv. Run from the repository's root.
set -eu
compile() {
    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --quiet "$@"
}
compile -o deploy/locks/runtime.txt
compile --all-extras --group dev -o deploy/locks/dev.txt
