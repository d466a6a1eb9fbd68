#!/bin/sh
# bench/policy.sh CIFAR_DIR [BUDGET [SEEDS]]: what searched augmentation policies are worth to a very small and a small network.
# For nano5k and dw51k: a search by density and one by training (BUDGET each, 20m), verified with SEEDS (3) seeds beside no policy,
# RandAugment and TrivialAugment. The first 1000 images of each class, all 10,000 test images in the end. CIFAR_DIR: image folders
# train/ and test/. Goes on where it was stopped, as OUT is kept; prints the tables.
#   OUT  default policy-bench    EPOCHS  of the verification, default 45    MODELS  default "nano5k dw51k"    WAYS  default
#   "density training"    VAL  default 2000
set -eu
data=$(cd "$1" && pwd) budget=${2:-20m} seeds=${3:-3}
cd "$(dirname "$0")/.."
out=${OUT:-policy-bench}
mkdir -p "$out"
build/release/bantam doctor
for model in ${MODELS:-nano5k dw51k}; do
    for way in ${WAYS:-density training}; do
        printf '\n## %s, --by %s, %s\n\n' "$model" "$way" "$budget"
        # What the found policy has to beat is trained once a model.
        if [ -d "$out/$model-density.work/verify" ] && [ ! -d "$out/$model-$way.work/verify" ]; then
            mkdir -p "$out/$model-$way.work"
            cp -r "$out/$model-density.work/verify" "$out/$model-$way.work/"
        fi
        build/release/bantam policy search "$data" --model "examples/models/$model.yaml" --subset first:1000 --val "${VAL:-2000}" \
            --epochs "${EPOCHS:-45}" --by "$way" --budget "$budget" --verify "$seeds" --out "$out/$model-$way.yaml"
    done
done
