# SPDX-License-Identifier: Apache-2.0
# `bantam train`, `eval` and `bench train` as a user types them: files, JSON, exit codes, recipe, Ctrl-C and --resume.

# A little image folder would need a JPEG writer; IDX needs only bytes: 2 classes of 8x8 stripes.
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skipped: python3 writes the data"; exit 77; }
"$python" - <<'PY'
import os, random, struct
os.mkdir("data"); random.seed(0)
for split, n in (("train", 400), ("t10k", 100)):
    with open(f"data/{split}-images-idx3-ubyte", "wb") as x, open(f"data/{split}-labels-idx1-ubyte", "wb") as y:
        x.write(struct.pack(">4i", 0x803, n, 8, 8)); y.write(struct.pack(">2i", 0x801, n))
        for i in range(n):
            y.write(bytes([i % 2]))
            x.write(bytes((150 if (r, c)[i % 2] % 2 else 50) + random.randrange(50) for r in range(8) for c in range(8)))
PY
cat > m.yaml <<'EOM'
input_size: [8, 8]
input_channel: 1
depth_multiple: 1.0
width_multiple: 1.0
backbone:
- [1, Conv, [8, 3, 1]]
- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [2]]
EOM
cat > r.yaml <<'EOM'
epochs: 3
batch: 32
augment: flip
val: 25%
threads: 2
EOM
export BANTAM_CACHE=$PWD/cache

# The recipe's epochs lose against the option's; the JSON is alone on stdout.
"$bantam" train m.yaml --recipe r.yaml --data data --size 8 --epochs 4 --out out --json > result.json 2> talk
"$python" - <<'PY'
import json
r = json.load(open("result.json"))
assert r["epochs"] == 4 and r["recipe"]["batch"] == 32 and r["train_images"] == 300 and r["val_images"] == 100, r
assert r["val_accuracy"] > 0.9 and r["test_accuracy"] is None and len(r["curve"]) == 4, r
assert r["params"] == json.load(open("out/result.json"))["params"] == 8 * 9 + 16 + 8 * 2 + 2
PY
grep -q "epoch" talk
test -s out/weights.safetensors && test -s out/model.yaml

"$bantam" eval out --data data --split test --json > eval.json
"$python" -c 'import json; e = json.load(open("eval.json")); lo, hi = e["interval"]; assert e["n"] == 100 and lo <= e["accuracy"] <= hi and e["accuracy"] > 0.9 and e["per_class"][1]["n"] == 50'
"$bantam" eval out --data data | grep -q "val accuracy"
"$bantam" eval out --data data | grep -q "true . predicted"
"$python" -c 'import json; e = json.load(open("eval.json")); c = e["confusion"]; assert sum(c[0]) == sum(c[1]) == 50 and c[0][0] + c[1][1] == round(100 * e["accuracy"]) and e["top5"] == 1'

# The course's data file in the place of the data; options win over it, a wrong line is named.
cat > course.yaml <<'EOM'
DATA_PATH: data
DATASET: ImageFolder
AUG_TRAIN: randaugment_train
AUG_TRAIN_PARAMS: {n_select: 2, level: null}
IMG_SIZE: 8
BATCH_SIZE: 32
EPOCHS: 3
INIT_LR: 0.02
FP16: True
EOM
"$bantam" train m.yaml --data course.yaml --epochs 4 --augment flip --out course --json > course.json 2> talk
"$python" - <<'PY'
import json
r = json.load(open("course.json"))
assert r["recipe"]["batch"] == 32 and r["recipe"]["epochs"] == 4 and r["recipe"]["augment"] == "flip", r["recipe"]
assert r["recipe"]["optimizer"] == "adam" and r["recipe"]["schedule"] == "onecycle:pct_start=0.05", r["recipe"]
PY
grep -q "course.yaml:9: FP16" talk
"$bantam" eval course --data course.yaml | grep -q "val accuracy"
status=0; "$bantam" train m.yaml --data data --recipe course.yaml 2> err.txt || status=$?
test $status != 0; grep -q "course.yaml:1: DATA_PATH is a key of a data file: give the file to --data" err.txt
sed 's/EPOCHS/EPOCH/' course.yaml > wrong.yaml
status=0; "$bantam" train m.yaml --data wrong.yaml 2> err.txt || status=$?
test $status != 0; grep -q "wrong.yaml:7: unknown key EPOCH: did you mean EPOCHS?" err.txt

# Under changes of the images: a quarter turn makes horizontal stripes vertical, a half turn changes no class; the
# numbers are the same at every call, a wrong word is named with the right one.
"$bantam" eval out --data data --split test --under Rotate:90 --under rotate:180 --under Invert --json > under.json
"$bantam" eval out --data data --split test --under Rotate:90 --under rotate:180 --under Invert --json --threads 1 > again.json
cmp under.json again.json
"$python" - <<'PY'
import json
e = json.load(open("under.json")); u = e["under"]
assert [(r["op"], r["value"]) for r in u] == [("Rotate", 90), ("Rotate", 180), ("Invert", None)], u
assert u[0]["accuracy"] < 0.1 and u[1]["accuracy"] > 0.9 and u[0]["interval"][0] <= u[0]["accuracy"], u
assert abs(u[0]["change"] - (u[0]["accuracy"] - e["accuracy"])) < 1e-9 and 0 <= e["balanced_accuracy"] <= 1, u
PY
"$bantam" eval out --data data --under all --quiet > all.txt
grep -q "^Rotate  *-30 degrees " all.txt && grep -q "^Equalize " all.txt && ! grep -q SamplePairing all.txt
for wrong in Rotat:15 Rotate Rotate:999 Equalize:1; do
    status=0; "$bantam" eval out --data data --under $wrong 2> wrong.txt || status=$?
    test $status != 0 && grep -q "under" wrong.txt && test "$(wc -l < wrong.txt)" = 1
done
"$bantam" eval out --data data --under Rotat:15 2>&1 | grep -q "did you mean 'Rotate'"

# Every training setting has its option; a wrong one is refused in one line that says what is known.
"$bantam" train m.yaml --recipe r.yaml --data data --size 8 --optimizer AdamW --lr 0.01 --schedule onecycle:pct_start=0.2 \
    --decay weights --clip 5 --ema 0.9 --class-weights balanced --beta2 0.99 --json -q > adam.json
"$python" -c 'import json; r = json.load(open("adam.json")); assert r["val_accuracy"] > 0.9 and r["recipe"]["optimizer"] == "adamw", r'
status=0; "$bantam" train m.yaml --data data --schedule onecycle:pct=1 2> wrong.txt || status=$?
test $status != 0 && grep -q pct_start wrong.txt && test "$(wc -l < wrong.txt)" = 1

"$bantam" bench train m.yaml m.yaml --batch 16 --threads 1 --json > bench.json
test "$(wc -l < bench.json)" = 2
"$python" -c 'import json; assert all(json.loads(l)["images_per_s"] > 0 for l in open("bench.json"))'
"$bantam" bench infer m.yaml m.yaml --breakdown --json > bench.json
"$python" -c 'import json; rows = [json.loads(l) for l in open("bench.json")]; assert len(rows) == 2 and all(r["cpu_ms"] > 0 and r["breakdown"] for r in rows)'

# Ctrl-C leaves a checkpoint; --resume ends where an uninterrupted training does.
"$bantam" train m.yaml --recipe r.yaml --data data --size 8 --epochs 300 --out whole -q > /dev/null
"$bantam" train m.yaml --recipe r.yaml --data data --size 8 --epochs 300 --out part -q > /dev/null 2> stop.txt & pid=$!
while kill -0 $pid 2>/dev/null && [ ! -d part ]; do sleep 0.01; done
sleep 0.05
kill -INT $pid 2>/dev/null || true
status=0; wait $pid || status=$?
if [ $status != 0 ]; then
    grep -q -- "--resume" stop.txt
    test -s part/checkpoint.safetensors
    "$bantam" train m.yaml --recipe r.yaml --data data --size 8 --epochs 300 --out part --resume -q > /dev/null
fi
cmp whole/weights.safetensors part/weights.safetensors
test ! -e part/checkpoint.safetensors

# Mistakes: exit 2 for usage, 1 for a file that is wrong, with file and line.
usage() { status=0; "$@" > /dev/null 2> err.txt || status=$?; test $status = 2; }
usage "$bantam" train m.yaml
usage "$bantam" train --data data
usage "$bantam" train m.yaml --data data --resume
usage "$bantam" train m.yaml --data data --epoks 3; grep -q -- "--epochs" err.txt
echo "epoch: 3" > bad.yaml
status=0; "$bantam" train m.yaml --data data --recipe bad.yaml 2> err.txt || status=$?
test $status != 0; grep -q "bad.yaml:1.*epochs" err.txt
status=0; "$bantam" eval nowhere --data data 2> err.txt || status=$?
test $status = 1; grep -q nowhere err.txt
