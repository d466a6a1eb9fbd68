#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What int8 costs the models of a front: int8.sh RUN DATA prints a table of float and int8 test accuracy of every
# model in RUN/models (of `bantam search DATA --out RUN`), and fails when one loses more than LOSS points (1.0).
set -eu
[ $# = 2 ] || { echo "usage: $0 RUN DATA   (BANTAM=program, LOSS=1.0, IMAGES=500 to calibrate on)" >&2; exit 2; }
run=$1 data=$2
bantam=${BANTAM:-$(dirname "$0")/../build/release/bantam}
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
evaluate() { # MODEL [OPTION...]: its test accuracy in percent
    model=$1; shift
    "$bantam" eval "$model" --data "$data" --split test --json -q "$@" >"$tmp"
    grep -o '"accuracy": [0-9.e-]*' "$tmp" | awk 'NR == 1 { printf "%.2f", 100 * $2 }'
}
size() { # MODEL: flash and arena of its int8 export in bytes
    "$bantam" model info "$1/model.yaml" | sed -n 's/^int8 *flash *\([0-9]*\) .*RAM *\([0-9]*\) .*/\1 | \2/p'
}
worst=0 n=0
echo "| model | flash | arena | float | int8 | loss |"
echo "|---|---:|---:|---:|---:|---:|"
for model in "$run"/models/*/; do
    model=${model%/}
    [ ! -L "$model" ] && [ -f "$model/weights.safetensors" ] || continue
    float=$(evaluate "$model")
    int8=$(evaluate "$model" --dtype int8 --calibrate "$data:${IMAGES:-500}")
    [ -n "$float" ] && [ -n "$int8" ] || exit 1
    loss=$(awk -v a="$float" -v b="$int8" 'BEGIN { printf "%.2f", a - b }')
    echo "| $(basename "$model") | $(size "$model") | $float % | $int8 % | $loss |"
    worst=$(awk -v a="$worst" -v b="$loss" 'BEGIN { print (b > a ? b : a) }')
    n=$((n + 1))
done
[ "$n" -gt 0 ] || { echo "$run: there are no models" >&2; exit 1; }
echo
echo "largest loss of $n models: $worst points"
awk -v worst="$worst" -v most="${LOSS:-1.0}" 'BEGIN { exit !(worst <= most) }'
