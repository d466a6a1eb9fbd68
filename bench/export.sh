#!/bin/sh
# bench/export.sh COLOUR GREY [MODEL.yaml ...]: exported networks beside the ones they were made from.
#
# Every example model of ten classes is trained for a moment, exported as C and as ONNX in f32, and answers IMAGES test
# images three times: `bantam predict`, the C as a program, onnxruntime. Shown: the largest difference of a logit as a
# share of the largest logit; 1 if one reaches 1e-4. COLOUR, GREY: data of ten classes (a folder, cifar10, fashion-mnist).
#   PYTHON   of an environment with onnxruntime and numpy (pip); default python3
#   IMAGES   default 1000      CC   default cc
set -eu
colour=$1 grey=$2
shift 2
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
images=${IMAGES:-1000}
bantam=$PWD/build/release/bantam
[ -x "$bantam" ] || { echo "run make build first" >&2; exit 1; }
"$python" -c 'import onnxruntime, numpy' || { echo "set PYTHON to one that has onnxruntime and numpy" >&2; exit 1; }
[ $# -gt 0 ] || set -- examples/models/*.yaml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$bantam" data import "$colour" --size 32 -o "$out/colour" >/dev/null
"$bantam" data import "$grey" --size 28 -o "$out/grey" >/dev/null
for kind in colour grey; do
    "$python" bench/export_check.py --take "$images" "$out/$kind/test.npy" "$out/$kind-images.npy" "$out/$kind.raw"
done
for file in "$@"; do
    name=$(basename "$file" .yaml)
    kind=colour
    if grep -q "^input_channel: 1" "$file"; then kind=grey; fi
    if grep -q "Linear, \[1000\]" "$file"; then continue; fi # ImageNet's classes
    dir=$out/$name
    "$bantam" train "$file" --data "$out/$kind" --subset 500 --epochs 1 --batch 64 --threads 1 --out "$dir" -q >/dev/null
    "$bantam" predict "$dir" --input "$out/$kind-images.npy" --logits "$dir/logits.npy" --threads 1 >/dev/null
    "$bantam" export c "$dir" -o "$dir/c" -q >/dev/null
    "$bantam" export onnx "$dir" -o "$dir/model.onnx" -q >/dev/null
    "${CC:-cc}" -std=c99 -O2 -DLOGIT=float -I"$dir/c" tests/support/exported/logits.c "$dir/c/model.c" -o "$dir/run" -lm
    "$dir/run" <"$out/$kind.raw" >"$dir/c.raw"
    cp "$out/$kind-images.npy" "$dir/images.npy"
done
"$python" bench/export_check.py "$out"/*/logits.npy
