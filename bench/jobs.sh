#!/bin/sh
# bench/jobs.sh [MODEL.yaml ...]: what a machine trains as one process a core with one thread each (what bantam search does by
# default), the same with each process pinned to its core, and as one process with all threads; images a second of all
# processes together. Trials of one size an hour are proportional to it, start-up aside.
#
# The three take turns, ROUNDS (default 3) times; medians, and the medians of the ratios of each turn. Needs taskset.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-3}
cores=$(nproc)
[ $# -gt 0 ] || set -- examples/models/tiny20k.yaml examples/models/dw51k.yaml examples/models/ir139k.yaml \
    examples/models/conv672k.yaml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

train() { build/release/bantam bench train "$1" --threads "$2" --json; } # MODEL THREADS

rate() { tr ',{}' '\n\n\n' | sed -n 's/^ *"images_per_s": *//p' | awk '{ s += $1 } END { print s }'; }

each() { # MODEL PINNED
    cpus=$(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
    for cpu in $cpus; do
        if [ "$2" = pinned ]; then
            taskset -c "$cpu" build/release/bantam bench train "$1" --threads 1 --json >"$out/$cpu" &
        else
            train "$1" 1 >"$out/$cpu" &
        fi
    done
    wait
    for cpu in $cpus; do cat "$out/$cpu"; done | rate
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

build/release/bantam doctor
printf '\n| model | one process, %d threads | %d processes | pinned | processes / threads | pinned / not |\n' "$cores" "$cores"
echo '|---|---:|---:|---:|---:|---:|'
for model in "$@"; do
    : >"$out/rounds"
    round=0
    while [ $round -lt "$rounds" ]; do
        one=$(train "$model" "$cores" | rate)
        many=$(each "$model" free)
        pinned=$(each "$model" pinned)
        echo "$one $many $pinned" >>"$out/rounds"
        round=$((round + 1))
    done
    printf '| %s | %.0f | %.0f | %.0f | %.2f | %.2f |\n' "$(basename "$model" .yaml)" \
        "$(awk '{ print $1 }' "$out/rounds" | median)" "$(awk '{ print $2 }' "$out/rounds" | median)" \
        "$(awk '{ print $3 }' "$out/rounds" | median)" "$(awk '{ print $2 / $1 }' "$out/rounds" | median)" \
        "$(awk '{ print $3 / $2 }' "$out/rounds" | median)"
done
