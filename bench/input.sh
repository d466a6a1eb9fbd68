#!/bin/sh
# bench/input.sh DATA [MODEL.yaml ...]: how much slower training is with RandAugment(2,15) than with flip and crop alone.
#
# One epoch on the first IMAGES images of each class, the two in turn (A B A B), medians of images a second, start-up and
# validation excluded. Pairs of threads a training has and threads that make its batches ahead: RUNS.
#   RUNS  default "ALL:0 1:0 1:1" (ALL: every core)     IMAGES  default 500     ROUNDS  default 3
set -eu
data=$1
shift
cd "$(dirname "$0")/.."
cores=$(nproc)
rounds=${ROUNDS:-3}
[ $# -gt 0 ] || set -- examples/models/tiny20k.yaml examples/models/dw51k.yaml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

speed() { # MODEL THREADS AHEAD POLICY
    build/release/bantam train "$1" --data "$data" --subset "first:${IMAGES:-500}" --val 0 --epochs 1 --threads "$2" --ahead "$3" \
        --augment "$4" --json --quiet | tr ',{}' '\n\n\n' | sed -n 's/^ *"images_per_s": *//p' | tail -n 1
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

build/release/bantam doctor
printf '\n| model | threads | ahead | flip+crop, images/s | with RandAugment | slower by (median of pairs) |\n|---|---:|---:|---:|---:|---:|\n'
for model in "$@"; do
    for run in ${RUNS:-ALL:0 1:0 1:1}; do
        threads=${run%:*} ahead=${run#*:}
        [ "$threads" != ALL ] || threads=$cores
        : >"$out/a" >"$out/b" >"$out/slower"
        round=0
        while [ $round -lt "$rounds" ]; do
            a=$(speed "$model" "$threads" "$ahead" flip+crop:4)
            b=$(speed "$model" "$threads" "$ahead" flip+crop:4+randaugment:n=2,m=15)
            echo "$a" >>"$out/a"
            echo "$b" >>"$out/b"
            awk "BEGIN { print 100 * ($a / $b - 1) }" >>"$out/slower"
            round=$((round + 1))
        done
        printf '| %s | %d | %d | %.0f | %.0f | %.1f %% |\n' "$(basename "$model" .yaml)" "$threads" "$ahead" \
            "$(median "$out/a")" "$(median "$out/b")" "$(median "$out/slower")"
    done
done
