#!/bin/sh
# bench/infer.sh [MODEL.yaml ...]: speed of prediction beside onnxruntime, f32, one run on one machine.
#
# Every example model is trained for a moment (the weights do not matter, but are no zeros), exported as ONNX, and run
# by both, A B A B ..., ROUNDS times: batch BATCH (1), one thread, the same network, images in memory. Counted is
# processor time, the median pass of each turn; the table shows the median of the turns and of their ratios.
# onnxruntime is called through Python with bound inputs and outputs; what such a call takes by itself is measured on a
# network of one node and shown twice: with it, and without.
#   PYTHON   of an environment with onnxruntime, onnx and numpy (pip), and Pillow for the images; default python3
#   BATCH    images a pass; default 1      ROUNDS   default 5
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
rounds=${ROUNDS:-5}
batch=${BATCH:-1}
bantam=$PWD/build/release/bantam
[ -x "$bantam" ] || { echo "run make build first" >&2; exit 1; }
"$python" -c 'import onnxruntime, onnx, numpy' || { echo "set PYTHON to one that has onnxruntime, onnx and numpy" >&2; exit 1; }
[ $# -gt 0 ] || set -- examples/models/*.yaml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export BANTAM_CACHE="$out/cache"
mkdir "$out/data"
"${PILLOW_PYTHON:-/usr/bin/python3}" tests/support/make_squares.py "$out/data"
models=
for file in "$@"; do
    name=$(basename "$file" .yaml)
    kind=colour
    if grep -q "^input_channel: 1" "$file"; then kind=grey; fi
    if grep -q "Linear, \[1000\]" "$file"; then continue; fi # the images have ten classes
    "$bantam" train "$file" --data "$out/data/$kind" --epochs 1 --lr 0.01 --batch 32 --threads 1 --out "$out/$name" -q >/dev/null
    "$bantam" export onnx "$out/$name" -o "$out/$name.onnx" -q >/dev/null
    models="$models $name"
done
round=0
while [ $round -lt "$rounds" ]; do
    for name in $models; do
        "$python" bench/infer_peer.py "$out/$name.onnx" --batch "$batch" >>"$out/peer"
        "$bantam" bench infer "$out/$name" --batch "$batch" --threads 1 --json >>"$out/bantam"
    done
    round=$((round + 1))
done
"$bantam" doctor
echo
"$python" bench/infer_peer.py --table "$out/peer" "$out/bantam"
