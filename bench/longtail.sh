#!/bin/sh
# bench/longtail.sh [OUT]: what each way of dealing with unequal classes gives in balanced test accuracy.
#
# CIFAR-10 made long-tailed (Cui et al. 2019): class i of 0..9 keeps its first 5000 * 50^(-i/9) training images, 5000 down
# to 100; the test split stays balanced. One network, the same number of steps for every way, SEEDS seeds.
# OUT (default build/bench/longtail) keeps each finished run: the same command goes on where it was stopped, within a run
# from its checkpoint; with everything there it prints the table only.
#   CIFAR    image folders train/, test/ (default: OUT/cifar, unpacked from TAR)
#   TAR      default ../shared/data/cifar10-jpeg.tar.xz
#   MODEL    default examples/models/se71k.yaml      EPOCHS  default 30      SEEDS  default 3      PYTHON  /usr/bin/python3
set -eu
cd "$(dirname "$0")/.."
out=${1:-build/bench/longtail}
tar=${TAR:-../shared/data/cifar10-jpeg.tar.xz}
model=${MODEL:-examples/models/se71k.yaml}
epochs=${EPOCHS:-30}
seeds=${SEEDS:-3}
python=${PYTHON:-/usr/bin/python3}
bantam=build/release/bantam
[ -x $bantam ] || { echo "run make build first" >&2; exit 1; }
. bench/runs.sh
cifar=$(cifar_folders "$out")

if [ ! -d "$out/data" ]; then
    rm -rf "$out/data.part"
    mkdir -p "$out/data.part/train"
    ln -s "$(realpath "$cifar/test")" "$out/data.part/test"
    i=0
    for class in "$cifar"/train/*; do
        n=$(awk -v i=$i 'BEGIN { printf "%d", 5000 * 50 ^ (-i / 9) + 1e-6 }')
        name=$(basename "$class")
        mkdir "$out/data.part/train/$name"
        find "$(realpath "$class")" -type f | LC_ALL=C sort | head -n "$n" | xargs -I{} ln -s {} "$out/data.part/train/$name/"
        i=$((i + 1))
    done
    mv "$out/data.part" "$out/data"
fi
$bantam data info "$out/data" | grep -A 2 '^imbalance'

# name|options
ways='none|
class weights, balanced|--class-weights balanced
class weights, effective 0.9999|--class-weights effective:beta=0.9999
sampling, balanced|--sampling balanced
sampling, square root|--sampling sqrt
oversampling to 0.5|--sampling oversample:ratio=0.5
logit adjustment 1|--logit-adjustment 1
square root + logit adjustment 1|--sampling sqrt --logit-adjustment 1'
seed=0
while [ $seed -lt "$seeds" ]; do
    echo "$ways" | while IFS='|' read -r name options; do
        # shellcheck disable=SC2086
        one_run "$out" "$name" $seed "$model" "$out/data" --val 0 --epochs "$epochs" $options
    done
    seed=$((seed + 1))
done

$bantam doctor
echo
echo "$(basename "$model" .yaml), $epochs epochs, seeds 0 to $((seeds - 1)); test accuracy in %, mean and standard deviation"
echo
echo "$ways" | cut -d'|' -f1 | "$python" -c '
import json, statistics, sys
out, seeds = sys.argv[1], int(sys.argv[2])
def cell(v):
    return f"{100 * statistics.mean(v):.2f}" + (f" ± {100 * statistics.stdev(v):.2f}" if len(v) > 1 else "")
print("| way | balanced accuracy | more than none | three largest classes | three smallest |\n|---|---:|---:|---:|---:|")
base = None
for name in sys.stdin.read().splitlines():
    runs = [json.load(open(f"{out}/runs/{name}/{s}/test.json")) for s in range(seeds)]
    recall = [[c["recall"] for c in r["per_class"]] for r in runs]
    balanced = [r["balanced_accuracy"] for r in runs]
    base = base or balanced
    gain = 100 * (statistics.mean(balanced) - statistics.mean(base))
    print(f"| {name} | {cell(balanced)} | {gain:+.2f} | {cell([sum(r[:3]) / 3 for r in recall])} | {cell([sum(r[-3:]) / 3 for r in recall])} |")
' "$out" "$seeds"
