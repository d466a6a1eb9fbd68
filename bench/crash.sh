#!/bin/sh
# bench/crash.sh [KILLS]: kill -9 of workers and of the supervisor at random moments of a search (release build).
# After each kill the study must pass PRAGMA integrity_check and hold every trial that had been finished before;
# the same command must go on; at the end no trial may be left RUNNING. Needs sqlite3 and fashion-mnist.
set -eu
cd "$(dirname "$0")/.."
kills=${1:-20}
exec tests/support/crash build/release/bantam "$kills"
