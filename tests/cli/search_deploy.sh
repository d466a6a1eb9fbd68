# A search for a microcontroller: limits kept before training, int8 the judge, the device's sources equal to it.
. "$source/tests/support/small_data.sh"
cc=$(command -v gcc) || { echo "skipped: no gcc"; exit 77; }
python=$(command -v python3) || { echo "skipped: no python3"; exit 77; }
export BANTAM_CACHE=$PWD/cache
small_data small 1200 300
search() { "$program" search small --epochs 1 --seed 2 "$@"; }
deploy() { search --deploy int8 --max-flash 24KiB --max-ram 12KiB "$@"; }
sql() { sqlite3 d/study.db "$1"; }

deploy --trials 4 --out d >table 2>log
grep -q "flash  peak_memory" table
[ "$(sql "select count(*) from trial_user_attributes where key = 'flash' and cast(value_json as real) <= 24576")" = 4 ]
[ "$(sql "select count(*) from trial_user_attributes where key = 'peak_memory' and cast(value_json as real) <= 12288")" = 4 ]
[ "$(sql "select count(*) from trial_user_attributes where key = 'float_accuracy'")" = 4 ]

# What the search says of its best model is what eval says of it in int8, and what the sources do.
test -f d/models/best/weights.safetensors
"$program" eval d/models/best --data small --split test --dtype int8 --predictions eval.csv --json >eval.json
"$program" export c d/models/best --dtype int8 -o fw --json >said.json
"$cc" -std=c99 -Wall -Wextra -Werror -Os -DMODEL_SELFTEST fw/*.c -o fw/run && fw/run | grep -q "equal$"
cat > count.c <<'EOM'
#include "model.h"
#include <stdio.h>
int main(void)
{
    static uint8_t image[MODEL_HEIGHT * MODEL_WIDTH * MODEL_CHANNELS];
    while (fread(image, sizeof(image), 1, stdin) == 1)
        puts(model_class[model_classify(image)]);
    return 0;
}
EOM
"$cc" -std=c99 -Wall -Wextra -Werror -O2 -Ifw count.c fw/model.c -o count
tail -c +17 small/t10k-images-idx3-ubyte | ./count >device.txt
"$cc" -std=c99 -Os -fstack-usage -c fw/model.c -o model.o
size model.o | tail -n 1 >size.txt
"$python" - <<'PY'
import csv, json
result = json.load(open("d/models/best/result.json"))
evaluated = json.load(open("eval.json"))
assert result["dtype"] == "int8" and result["test_accuracy"] == evaluated["accuracy"], (result, evaluated["accuracy"])
assert abs(result["float_test_accuracy"] - result["test_accuracy"]) < 0.05, result
said = json.load(open("said.json"))
assert said["flash_bytes"] == result["flash"] <= 24576 and said["arena_bytes"] == result["peak_memory"] <= 12288, said
rows = list(csv.DictReader(open("eval.csv")))
device = open("device.txt").read().split("\n")[:-1]
assert len(rows) == len(device) == 300
assert [row["prediction"] for row in rows] == device, (rows[:3], device[:3])
text, data, bss = map(int, open("size.txt").read().split()[:3])
# Of this processor, whose pointers and registers are twice as long; export_arm.sh measures a Cortex-M4.
assert abs(text + data - said["flash_bytes"]) <= 4096 and abs(bss - said["arena_bytes"]) < 64, (text, data, bss, said)
stack = [line.split("\t") for line in open("model.su")]
assert all(kind.strip() in ("static", "dynamic,bounded") for _, _, kind in stack), stack
assert sum(sorted((int(n) for _, n, _ in stack), reverse=True)[:5]) <= 2 * said["stack_bytes"], stack
PY
"$program" front d --csv | head -n 1 | grep -q ',path,flash,peak_memory$'
"$program" front d --json | grep -q '"flash"'
"$program" pick d --max-flash 24KiB | grep -q '^d/models/m'
status=0; "$program" pick d --max-flash 100 >/dev/null 2>err || status=$?; [ $status != 0 ]

# The study keeps it.
deploy --trials 5 --out d >/dev/null 2>log
status=0; search --deploy f32 --trials 6 --out d >out 2>err || status=$?
[ $status = 2 ]; grep -q -- "--deploy: this study was started with 'int8'" err
status=0; search --max-flash 20KiB --trials 6 --out d >out 2>err || status=$?
[ $status = 2 ]; grep -q -- "--max-flash: this study was started with '24 KiB'" err

# Mistakes: one line, and what would have been possible.
no() { status=0; "$@" >out 2>err || status=$?; [ $status != 0 ] && [ "$(grep -c '^bantam' err)" = 1 ] && [ ! -s out ]; }
no search --trials 2 --deploy int8 --max-flash 1KiB --out none
grep -Eq -- "--max-flash: no network of the space keeps 1 KiB: the smallest that was found takes [0-9.]+ KiB" err
no search --trials 2 --deploy int8 --max-ram 64 --out none
grep -Eq -- "--max-ram: no network of the space keeps 64 B: the smallest that was found takes [0-9.]+ KiB" err
no search --trials 2 --max-flash 64KiB --out none; grep -q -- "--max-flash: .*add --deploy" err
no search --trials 2 --deploy int4 --out none; grep -q -- "--deploy: 'int4': expected int8 or f32" err
no search --trials 2 --objectives accuracy,flash --out none; grep -q "flash is that of an exported network" err
# A module that the target does not have.
cat > softmax.yaml <<'EOM'
format: search-space/1
name: softmax
input: {channels: $channels, classes: $classes, size: $size}
blocks:
  - id: m1
    repeat: 1
    module:
      Conv: {out: {int: [8, 16, 8]}, kernel: 3, act: Softmax}
tail:
  - [1, GlobalAvgPool, []]
  - [1, Flatten, []]
  - [1, Linear, [$classes]]
train: {batch_size: 32}
EOM
no search --space softmax.yaml --trials 2 --deploy int8 --out none
grep -q "row 1: Softmax cannot be exported in int8" err
