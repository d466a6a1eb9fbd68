#!/bin/sh
# bench/freebies.sh [OUT]: the classifier ablation of the YOLOv4 paper (Bochkovskiy et al. 2020, tables 2 and 3) for small
# networks: does what helps a network of 30M parameters help one of 50k or 600k?
#
# CIFAR-10-small: the first 1000 training images of each class, all 10,000 of test. SEEDS seeds; top-1 and top-5.
# OUT (default build/bench/freebies) keeps each finished run: the same command goes on where it was stopped.
#   CIFAR    image folders train/, test/ (default: OUT/cifar, unpacked from TAR)
#   TAR      default ../shared/data/cifar10-jpeg.tar.xz
#   MODELS   default "dw51k conv672k" of examples/models     EPOCHS  default 30    SEEDS  default 3    PYTHON  /usr/bin/python3
set -eu
cd "$(dirname "$0")/.."
out=${1:-build/bench/freebies}
tar=${TAR:-../shared/data/cifar10-jpeg.tar.xz}
models=${MODELS:-dw51k conv672k}
epochs=${EPOCHS:-30}
seeds=${SEEDS:-3}
python=${PYTHON:-/usr/bin/python3}
bantam=build/release/bantam
[ -x $bantam ] || { echo "run make build first" >&2; exit 1; }
. bench/runs.sh
cifar=$(cifar_folders "$out")

# name|activation|policy after flip+crop:4|options
ways='none|ReLU||
MixUp|ReLU|+mixup:alpha=0.2|
CutMix|ReLU|+cutmix:alpha=1|
Mosaic|ReLU|+mosaic|
blur|ReLU|+GaussianBlur:value=1,p=0.5|
label smoothing|ReLU||--label-smoothing 0.1
Swish|SiLU||
Mish|Mish||
CutMix + Mosaic + label smoothing|ReLU|+cutmix:alpha=1+mosaic|--label-smoothing 0.1
CutMix + Mosaic + label smoothing + Mish|Mish|+cutmix:alpha=1+mosaic|--label-smoothing 0.1'
seed=0
while [ $seed -lt "$seeds" ]; do
    for model in $models; do
        echo "$ways" | while IFS='|' read -r name activation policy options; do
            file=$out/models/$model-$activation.yaml
            mkdir -p "$out/models"
            # The activation is the last argument of these models' convolutions, which they leave out.
            sed -e "s/\(DWConv, \[[0-9]*, [0-9]*, [0-9]*\)\]/\1, null, $activation]/" \
                -e "s/\( Conv, \[[0-9]*, [0-9]*, [0-9]*\)\]/\1, null, 1, $activation]/" "examples/models/$model.yaml" >"$file"
            # shellcheck disable=SC2086
            one_run "$out" "$model/$name" $seed "$file" "$cifar" --subset first:1000 --val 0 --epochs "$epochs" \
                --augment "flip+crop:4$policy" $options
        done
    done
    seed=$((seed + 1))
done

$bantam doctor
echo
echo "$epochs epochs, seeds 0 to $((seeds - 1)); test accuracy in %, mean and standard deviation"
echo
echo "$ways" | cut -d'|' -f1 | "$python" -c '
import json, statistics, sys
out, seeds, models = sys.argv[1], int(sys.argv[2]), sys.argv[3].split()
def cell(v):
    return f"{100 * statistics.mean(v):.2f}" + (f" ± {100 * statistics.stdev(v):.2f}" if len(v) > 1 else "")
names = sys.stdin.read().splitlines()
print("| | " + " | ".join(f"{m} top-1 | {m} top-5" for m in models) + " |\n|---" + "|---:" * 2 * len(models) + "|")
for name in names:
    row = []
    for m in models:
        runs = [json.load(open(f"{out}/runs/{m}/{name}/{s}/test.json")) for s in range(seeds)]
        row += [cell([r[k] for r in runs]) for k in ("accuracy", "top5")]
    print(f"| {name} | " + " | ".join(row) + " |")
' "$out" "$seeds" "$models"
