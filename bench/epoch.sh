#!/bin/sh
# bench/epoch.sh CIFAR_DIR [MODEL.yaml]: a whole epoch on 10,000 real images with crop, flip and RandAugment(2,15) beside
# PyTorch, whose DataLoader does the same with 0, 1 and 2 workers: its best counts (bench/epoch_peer.py).
#
# CIFAR_DIR: image folders train/CLASS/*, of which the first 1000 images a class are taken; both decode before the clock
# starts. The two take turns, ROUNDS (default 3) times; medians, and the median of the ratios of each turn.
#   PEER, PYTHON, PRECISION as in bench/train.sh     THREADS default: all cores     BATCHES of the peer only: 0 = the epoch
set -eu
data=$1
cd "$(dirname "$0")/.."
model=${2:-examples/models/tiny20k.yaml}
peer=${PEER:-../shared/bench/peer_train.py}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-$(nproc)}
[ -f "$peer" ] || { echo "no PyTorch script at $peer (set PEER)" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

ours() {
    build/release/bantam train "$model" --data "$data" --subset first:1000 --val 0 --epochs 1 --threads "$threads" \
        --precision "${PRECISION:-auto}" --augment flip+crop:4+randaugment:n=2,m=15 --json --quiet |
        tr ',{}' '\n\n\n' | sed -n 's/^ *"images_per_s": *//p' | tail -n 1
}

theirs() { # the best number of workers
    "$python" bench/epoch_peer.py "$peer" "$model" "$data" --threads "$threads" --batches "${BATCHES:-0}" |
        tee -a "$out/peer" | sed 's/.*"images_per_s": *\([0-9.]*\).*/\1/' | sort -n | tail -n 1
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

ours >/dev/null # decodes into the cache
round=0
while [ $round -lt "${ROUNDS:-3}" ]; do
    a=$(theirs)
    b=$(ours)
    echo "$a $b" >>"$out/rounds"
    round=$((round + 1))
done
build/release/bantam doctor
echo
sort "$out/peer"
printf '\n| model | PyTorch, best of 0-2 workers, images/s | bantam images/s | ratio (median of pairs) |\n|---|---:|---:|---:|\n'
printf '| %s | %.0f | %.0f | %.2f |\n' "$(basename "$model" .yaml)" "$(awk '{ print $1 }' "$out/rounds" | median)" \
    "$(awk '{ print $2 }' "$out/rounds" | median)" "$(awk '{ print $2 / $1 }' "$out/rounds" | median)"
