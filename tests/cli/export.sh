# `bantam export c`: sources that compile without a warning, check themselves, and answer as eval does.
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skipped: python3 writes the data"; exit 77; }
cc=$(command -v gcc || command -v cc) || { echo "skipped: no C compiler"; exit 77; }
mkdir data && "$python" "$source/tests/support/make_stripes.py" data
cat > m.yaml <<'EOM'
input_size: [8, 8]
input_channel: 3
depth_multiple: 1.0
width_multiple: 1.0
backbone:
- [1, Conv, [8, 3, 1]]
- [1, InvertedResidualv3, [3, 2, 8, 1, 1, 1]]
- [1, MaxPool, [2]]
- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [2]]
EOM
export BANTAM_CACHE=$PWD/cache
"$bantam" train m.yaml --data data --size 8 --epochs 20 --batch 16 --val 25% --threads 2 --out out -q >/dev/null
strict="-std=c99 -Wall -Wextra -Werror -Os"

"$bantam" export c out -o f32 --json >f32.json
"$bantam" export c out -o int8/deep/ --dtype int8 --calibrate data:100 >int8.txt
grep -q "int8: ranges by" int8.txt
[ "$(ls f32)" = "model.c
model.h" ]
for dir in f32 int8/deep; do
    # shellcheck disable=SC2086
    "$cc" $strict -DMODEL_SELFTEST "$dir/model.c" -o selftest -lm && ./selftest | grep -q "equal$"
done
sed '/SELFTEST/,$d' int8/deep/model.c >plain.c
if grep -E "malloc|math.h|float |double " plain.c; then exit 1; fi

# The int8 sources over the whole test split: the confusion matrix of eval --dtype int8.
cat > count.c <<'EOM'
#include "model.h"
#include <stdio.h>
int main(void)
{
    static uint8_t image[MODEL_HEIGHT * MODEL_WIDTH * MODEL_CHANNELS];
    int seen[2][2] = {{0}};
    for (int i = 0; fread(image, sizeof(image), 1, stdin) == 1; i++)
        seen[i >= 60][model_classify(image)]++;
    printf("[[%d, %d], [%d, %d]]\n", seen[0][0], seen[0][1], seen[1][0], seen[1][1]);
    return 0;
}
EOM
"$cc" -std=c99 -Wall -Wextra -Werror -O2 -Iint8/deep count.c int8/deep/model.c -o count
"$bantam" eval out --data data --split test --dtype int8 --calibrate data:100 --json >eval.json
[ "$(./count <data/test.raw)" = "$("$python" -c 'import json; print(json.load(open("eval.json"))["confusion"])')" ]
"$bantam" eval out --data data --split test --dtype int8 >eval.txt
"$python" - <<'PY'
import json
assert json.load(open("eval.json"))["accuracy"] > 0.8
f = json.load(open("f32.json"))
assert f["difference"] < 1e-4 and f["flash_bytes"] == f["constants_bytes"] + f["code_bytes"], f
PY

# What model info says is what the files say.
"$bantam" model info m.yaml --json >info.json
"$python" - <<'PY'
import json, re
d = json.load(open("info.json"))["deploy"]
for path, dtype in (("f32", "f32"), ("int8/deep", "int8")):
    arena = int(re.search(r"ARENA_BYTES (\d+)", open(path + "/model.h").read()).group(1))
    assert d["arena"] < d["arena_apart"]
    assert arena == d[dtype]["arena_bytes"] == d["arena"] * (1 if dtype == "int8" else 4), (arena, d[dtype])
assert d["operations"][-1]["offset"] is None and len(d["operations"]) > 8
PY
"$bantam" model info m.yaml | grep -q "8x8x16 *1024 |.*%.*|"

# A name of one's own; two models in one program.
"$bantam" export c out -o two --name other >/dev/null
[ -f two/other.c ] && grep -q "void other_run" two/other.h && grep -q OTHER_CLASSES two/other.h

# Mistakes: one line each, and no folder.
no() { status=0; "$bantam" export c "$@" -q >/dev/null 2>err || status=$?; [ $status = 1 ]; [ "$(wc -l <err)" = 1 ]; [ ! -e new ]; [ -z "$(ls -d new.tmp* 2>/dev/null)" ]; }
no out -o f32; grep -q "f32: the folder is in use (model.c is in it)" err
no out -o m.yaml; grep -q "m.yaml: is not a folder" err
no nowhere -o new; grep -q nowhere err
no out -o new --name 2x; grep -q "2x" err
no out -o new --dtype int8 --calibrate data:0; grep -q "number of images" err
no out -o new --dtype int8 --calibrate data:50 --calibration best; grep -q "best" err
cp -r out alone && "$python" - <<'PY'
import json
r = json.load(open("alone/result.json"))
del r["data"]
json.dump(r, open("alone/result.json", "w"))
PY
no alone -o new --dtype int8; grep -q "result.json does not say what the model was trained on" err
"$bantam" export c out -o again --dtype int8 -q >/dev/null # without a word the images of the training
mkdir -p other && mv data/train/down data/train/sideways && mv data/test/down data/test/sideways
no out -o new --dtype int8 --calibrate data:50; grep -q "class 1 is 'sideways', the model's is 'down'" err
cp -r out wrong && sed -i 's/Flatten, \[\]/Flatten, []]\n- [1, Linear, [4]]\n- [1, Linear, [2]]\n- [1, Pass, [/' wrong/model.yaml
no wrong -o new
# Logits that are not the engine's: here of a weight so large that they overflow.
cp -r out huge
"$python" - <<'PY'
import json, struct
b = bytearray(open("huge/weights.safetensors", "rb").read())
n = struct.unpack_from("<Q", b)[0]
for name, tensor in json.loads(b[8:8 + n]).items():
    if name != "__metadata__" and len(tensor["shape"]) == 4:
        struct.pack_into("<f", b, 8 + n + tensor["data_offsets"][0], 3e38)
open("huge/weights.safetensors", "wb").write(b)
PY
no huge -o new; grep -q "would differ by .* of the largest logit.*: not exported" err
usage() { status=0; "$bantam" export "$@" >/dev/null 2>err || status=$?; [ $status = 2 ]; }
usage c out
usage c out -o new --dtype f16; grep -q "f16" err
usage onyx out
status=0; "$bantam" eval out --data data --dtype half >/dev/null 2>err || status=$?; [ $status = 2 ]
