# `bantam export onnx`: valid files, which onnxruntime runs with the logits of `bantam predict`: every example model of ten
# classes, every module and activation; int8 as the integer kernels.
python=$("$source/tests/contract/onnx_env.sh" "$(dirname "$bantam")/venv-onnx") || exit $?
cc=$(command -v gcc || command -v cc) || { echo "skipped: no C compiler"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam} # trains; what is tested is $bantam
[ -x "$program" ] || program=$bantam
export BANTAM_CACHE=$PWD/cache
mkdir data && "$python" "$source/tests/support/make_squares.py" data

# model NAME KIND < ROWS: NAME.yaml for images of KIND.
model() {
    if [ "$2" = colour ]; then size=32 c=3; else size=28 c=1; fi
    { printf 'input_size: [%s, %s]\ninput_channel: %s\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n' $size $size $c
      cat; } >"$1.yaml"
}
head="- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [10]]"
model convolutions colour <<EOM
- [1, Conv, [8, 4, 2]]
- [1, Conv, [24, 3, 1, [0]]]
- [1, Conv, [24, 3, 2, null, 8, Hardswish]]
- [1, DWConv, [24, 3, 1]]
- [1, DWConv, [40, 5, 2, null, Hardswish]]
- [1, Conv, [16, 1, 2]]
- [1, Pass, []]
- [1, GlobalAvgPool, []]
- [1, FixedConv, [10, 1, 1, null, 1, null]]
EOM
model blocks colour <<EOM
- [1, Conv, [16, 3, 2, null, 1, ReLU6]]
- [2, Bottleneck, [16]]
- [1, Bottleneck, [24, True, 4, 0.5, SiLU]]
- [2, InvertedResidualv2, [16, 2, 2]]
- [2, InvertedResidualv3, [5, 2.5, 24, 1, 0, 2]]
- [1, InvertedResidualv3, [3, 2, 24, 1, 1, 1]]
- [2, MBConv, [3, 24, 1, 3]]
- [2, BasicBlock, [24]]
- [1, BasicBlock, [32, 2, Hardswish]]
$head
EOM
model pools colour <<EOM
- [1, Conv, [8, 3, 1]]
- [1, MaxPool, [3, 2, 1]]
- [1, MaxPool, [2, 1, 0, 2]]
- [1, AvgPool, [3, 2, 1]]
- [1, Conv, [16, 3, 1]]
- [1, AvgPool, [3, 1, 1, False, False]]
- [1, GlobalAvgPool, [5]]
- [1, Conv, [16, 3, 1]]
- [1, AvgPool, [2, 2, 0, True]]
$head
EOM
model ceil grey <<EOM
- [1, Conv, [8, 3, 2, [0]]]
- [1, MaxPool, [2, 5, 0, 5, False, True]]
- [1, Conv, [16, 3, 1]]
- [1, AvgPool, [3, 3, 1, True]]
$head
EOM
model image grey <<EOM
- [1, AvgPool, [2, 2]]
- [1, GlobalAvgPool, [7]]
- [1, Conv, [16, 3, 2]]
- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [40, ReLU]]
- [1, Linear, [10, Softmax]]
EOM
sed -n 's/^ACT([A-Z_0-9]*, "\([A-Za-z0-9]*\)").*/\1/p' "$source/src/model/acts.def" |
    { grep -vx Softmax | sed 's/.*/- [1, Conv, [12, 3, 1, null, 1, &]]/'; echo "$head"; } | sed '1s/3, 1/3, 2/' >rows
[ "$(wc -l <rows)" -ge 19 ]
model activations grey <rows

# checked NAME MODEL.yaml KIND: trains a little, exports, runs.
checked() {
    mkdir -p "check/$1"
    "$program" train "$2" --data "data/$3" --epochs 2 --lr 0.01 --batch 32 --threads 2 --out "check/$1/model" -q >/dev/null
    "$bantam" export onnx "check/$1/model" -o "check/$1/model.onnx" --threads 2 -q >>out.txt
    cp "data/$3.npy" "check/$1/images.npy"
    "$bantam" predict "check/$1/model" --input "data/$3.npy" --logits "check/$1/logits.npy" >/dev/null
}
for name in convolutions blocks pools; do checked $name $name.yaml colour; done
for name in ceil image activations; do checked $name $name.yaml grey; done
for file in "$source"/examples/models/*.yaml; do
    kind=colour; if grep -q "^input_channel: 1" "$file"; then kind=grey; fi
    if grep -q "Linear, \[1000\]" "$file"; then continue; fi # ImageNet's classes; efficientnet-b0-32 has the same blocks
    checked "$(basename "$file" .yaml)" "$file" $kind
done
grep -q "f32: logits within" out.txt

# int8: the logits of the exported C, whose kernels `eval --dtype int8` runs.
for name in convolutions blocks pools ceil activations tiny20k; do
    kind=colour; case $name in ceil | activations) kind=grey ;; esac
    "$bantam" export onnx check/$name/model -o check/$name/int8.onnx --dtype int8 --calibrate data/$kind:50 --calibration minmax >>out.txt
    "$bantam" export c check/$name/model -o c/$name --dtype int8 --calibrate data/$kind:50 --calibration minmax >/dev/null
    "$cc" -std=c99 -O1 -DLOGIT=int8_t -Ic/$name "$source/tests/support/exported/logits.c" c/$name/model.c -o run
    ./run <data/$kind.raw >check/$name/int8.raw
done
grep -q "int8: ranges by minmax" out.txt
"$python" "$source/tests/contract/onnx_check.py" check/*

# An accuracy that search measured is in the file.
rm check/tiny20k/int8.onnx
sed -i 's/"test_accuracy": null/"test_accuracy": 0.8125/' check/tiny20k/model/result.json
"$bantam" export onnx check/tiny20k/model -o check/tiny20k/model.onnx --json >file.json
"$python" "$source/tests/contract/onnx_check.py" check/tiny20k
grep -q '"file": "check/tiny20k/model.onnx", "dtype": "f32", "bytes": ' file.json

# Ranges are found on the images that it was trained on, when no others are named.
"$bantam" export onnx check/tiny20k/model -o own.onnx --dtype int8 >/dev/null
[ -s own.onnx ]

# Mistakes: one line each, and no file.
no() { status=0; "$bantam" export onnx "$@" -q >/dev/null 2>err || status=$?; [ $status = 1 ]; [ "$(wc -l <err)" = 1 ]; [ ! -e new.onnx ]; [ -z "$(ls -d ./*.tmp* 2>/dev/null)" ]; }
m=check/tiny20k/model
no nowhere -o new.onnx; grep -q nowhere err
no $m -o data; grep -q "data: is a folder" err
no $m -o none/new.onnx; grep -q "none/new.onnx" err
no $m -o new.onnx --dtype int8 --calibrate data/grey:50; grep -q "has 32x32x1 images, the model takes 32x32x3" err
no check/image/model -o new.onnx --dtype int8 --calibrate data/grey:50; grep -q "row 7: Softmax cannot be exported in int8" err
usage() { status=0; "$bantam" export "$@" >/dev/null 2>err || status=$?; [ $status = 2 ]; }
usage onnx $m; grep -q "into which file" err
usage onnx $m -o new.onnx --dtype f16; grep -q f16 err
usage onyx $m; grep -q "did you mean onnx" err
