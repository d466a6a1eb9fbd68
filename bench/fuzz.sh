#!/bin/sh
# bench/fuzz.sh SECONDS [TARGET ...]: fuzzes every parser of foreign bytes (tests/fuzz/fuzz_TARGET.c) for SECONDS each
# with libFuzzer, ASan and UBSan, from the saved inputs. What it finds is in build/fuzz/found/; put it into
# tests/fuzz/corpus/TARGET/ once it is fixed. New inputs stay in build/fuzz/corpus/.
#   JOBS  targets at a time (default 1)
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?usage: bench/fuzz.sh SECONDS [TARGET ...]}
shift
tools/setup fuzz
[ $# -gt 0 ] || set -- $(ls tests/fuzz | sed -n 's/^fuzz_\(.*\)\.c$/\1/p')
cmake --preset fuzz >/dev/null
# shellcheck disable=SC2046
cmake --build build/fuzz --parallel "$(nproc)" --target $(printf 'fuzz_%s ' "$@") >/dev/null
mkdir -p build/fuzz/found
export ASAN_OPTIONS=detect_leaks=1 OMP_NUM_THREADS=1
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "${JOBS:-1}" -I{} sh -c '
    mkdir -p build/fuzz/corpus/{}
    if build/fuzz/tests/fuzz/fuzz_{} -max_total_time='"$seconds"' -timeout=100 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix=build/fuzz/found/{}- build/fuzz/corpus/{} $(tests/fuzz/inputs {}) >build/fuzz/{}.log 2>&1; then
        echo "{}: $(sed -n "s/^stat::number_of_executed_units: *//p" build/fuzz/{}.log) inputs, no finding"
    else
        echo "{}: FINDING, see build/fuzz/{}.log"
        exit 1
    fi'
