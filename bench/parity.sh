#!/bin/sh
# bench/parity.sh CIFAR_DIR [SEEDS]: accuracy beside PyTorch's recipe (peer_train.py accuracy): dw51k, the first 1000 images
# of each class, 15 epochs of SGD + Nesterov, cosine, flip + crop:4, all 10,000 test images. CIFAR_DIR: image folders train/, test/.
#   PRECISION of bantam: default f32, as PyTorch trains
set -eu
data=$1 seeds=${2:-3}
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
seed=0
while [ $seed -lt "$seeds" ]; do
    build/release/bantam train examples/models/dw51k.yaml --data "$data" --subset first:1000 --val 0 --augment flip+crop:4 \
        --epochs 15 --precision "${PRECISION:-f32}" --seed $seed --out "$out/$seed" --quiet >/dev/null
    build/release/bantam eval "$out/$seed" --data "$data" --split test --json --quiet >"$out/$seed.json"
    accuracy=$(tr ',{' '\n\n' <"$out/$seed.json" | sed -n 's/^ *"accuracy": *//p' | head -n 1)
    speed=$(tr ',{' '\n\n' <"$out/$seed/result.json" | sed -n 's/^ *"images_per_s": *//p' | tail -n 1)
    echo "seed $seed: test accuracy $accuracy ($speed images/s)" >>"$out/all"
    tail -n 1 "$out/all"
    seed=$((seed + 1))
done
awk '{ s += $5; n++ } END { printf "mean of %d seeds: %.2f %%\n", n, 100 * s / n }' "$out/all"
