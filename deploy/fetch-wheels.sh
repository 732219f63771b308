#!/usr/bin/env bash
# Fetch the wheels of the image into deploy/wheels, for a build that reaches no package index.
# Usage: deploy/fetch-wheels.sh [PYTHON_VERSION], the one of the base image; 3.13 unless given.
set -euo pipefail
cd "$(dirname "$0")"
for lock in locks/build.txt "${LOCK:-locks/runtime.txt}"; do
    pip3 download --quiet --require-hashes --only-binary :all: --python-version "${1:-3.13}" \
        -r "$lock" -d wheels
done
