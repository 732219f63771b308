#!/usr/bin/env bash
# Build the image of deploy/Dockerfile for the tests: on a base of Debian's packages, with wheels that this machine
# fetched. Where images can be pulled, `docker build -f deploy/Dockerfile .` alone does it.
set -euo pipefail
cd "$(dirname "$0")/../.."

base=$(deploy/images/build-base-image.sh)
deploy/fetch-wheels.sh 3.11
DOCKER_BUILDKIT=0 docker build -q -f deploy/Dockerfile --build-arg BASE_IMAGE="$base" --build-arg PIP_NO_INDEX=1 \
    -t agent-runtime-test/runtime:local . 2>/dev/null
