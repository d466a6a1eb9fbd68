#!/bin/sh
# bench/samplers/table.sh DATA [RUNS]: measures the table of our own space, bench/samplers/brief12.csv; resumable.
#
# 250 networks of brief12 (measure.c says which, and how one is trained), 25 of them with 5 seeds: 350 runs, one thread each,
# some 25 CPU seconds each (Zen 4, bf16).
# A row is written after a run; stopping it at any time loses the runs at work. All networks once come first, in random order,
# so that a part of the table is a sample of the whole. DATA: CIFAR-10 as `bantam train --data` takes it; test is not read.
#   JOBS   runs at a time, default 2      RUNS   end after so many a job      BANTAM_CACHE   decoded images, default build/cache
#   TABLE  another file
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
table=${TABLE:-bench/samplers/brief12.csv}
cache=${BANTAM_CACHE:-build/cache}
[ -f build/release/build.ninja ] || [ -f build/release/Makefile ] || { echo "run make build first" >&2; exit 1; }
cmake --build build/release --target measure_table >/dev/null
export OMP_NUM_THREADS=1
build/release/measure_table "$1" "$cache" "$table" 0 # decodes the images
job=0
while [ $job -lt "${JOBS:-2}" ]; do
    build/release/measure_table "$1" "$cache" "$table" ${2:+"$2"} &
    job=$((job + 1))
done
wait
rows=$(($(wc -l <"$table") - 1))
echo "$rows of 350 runs are in $table"
[ "$rows" -lt 350 ] || rm -f "$table.lock"
