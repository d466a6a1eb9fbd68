#!/bin/sh
# tests/own_images.sh: the test tests/cli/own_images.sh alone (three searches of 90 s), with the release program.
set -eu
cd "$(dirname "$0")/.."
make build
exec tests/support/run_cli_test "$PWD/build/release/bantam" "$PWD/tests/cli/own_images.sh"
