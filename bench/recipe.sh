#!/bin/sh
# bench/recipe.sh CIFAR_DIR [SEEDS]: accuracy against seconds of examples/recipes/brief.yaml and fast.yaml: dw51k, the first 1000
# images of each class, all 10,000 test images. The recipes take turns; seconds are those of the training (steps), of a machine
# that does nothing else. CIFAR_DIR: image folders train/ and test/.
#   MODEL  default examples/models/dw51k.yaml     RECIPES  default "brief fast"     THREADS  default all cores
set -eu
data=$1 seeds=${2:-3}
cd "$(dirname "$0")/.."
model=${MODEL:-examples/models/dw51k.yaml}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

value() { tr ',{}' '\n\n\n' <"$1" | sed -n "s/^ *\"$2\": *//p" | $3 -n 1; } # FILE KEY head|tail

seed=0
while [ "$seed" -lt "$seeds" ]; do
    for recipe in ${RECIPES:-brief fast}; do
        dir=$out/$recipe-$seed
        build/release/bantam train "$model" --data "$data" --subset first:1000 --val 0 --recipe "examples/recipes/$recipe.yaml" \
            --threads "${THREADS:-$(nproc)}" --seed "$seed" --out "$dir" --quiet >/dev/null
        build/release/bantam eval "$dir" --data "$data" --split test --json --quiet >"$dir.json"
        echo "$recipe $(value "$dir.json" accuracy head) $(value "$dir/result.json" seconds tail)" >>"$out/all"
        tail -n 1 "$out/all" >&2
    done
    seed=$((seed + 1))
done
build/release/bantam doctor
printf '\n| recipe | test accuracy, mean of %d seeds | lowest to highest | seconds, mean |\n|---|---:|---:|---:|\n' "$seeds"
for recipe in ${RECIPES:-brief fast}; do
    awk -v name="$recipe" '$1 == name { s += $2; t += $3; n++; if (n == 1 || $2 < lo) lo = $2; if ($2 > hi) hi = $2 }
        END { printf "| %s | %.2f %% | %.2f-%.2f | %.0f |\n", name, 100 * s / n, 100 * lo, 100 * hi, t / n }' "$out/all"
done
