# SPDX-License-Identifier: Apache-2.0
# `bantam policy`: a search by density and by training, on and on; a verification; a file that train reads; what people are told.

python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skipped: python3 writes the data"; exit 77; }
command -v sqlite3 >/dev/null || { echo "skipped: sqlite3 reads the study"; exit 77; }
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
model() { # CLASSES
    printf 'input_size: [8, 8]\ninput_channel: 1\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n- [1, Conv, [8, 3, 1]]\n'
    printf -- '- [1, GlobalAvgPool, []]\n- [1, Flatten, []]\n- [1, Linear, [%s]]\n' "$1"
}
model 2 >m.yaml
model 3 >three.yaml
export BANTAM_CACHE=$PWD/cache
count() { sqlite3 "$1" "select count(*) from trials where state = '$2'"; }
common="data --model m.yaml --size 8 --val 80 --threads 1 --epochs 2 --folds 2"

# By density: trials of both folds with their policies, and a file that train reads.
"$bantam" policy search $common --trials 14 --verify 0 --out p.yaml >text 2>talk
grep -q 'written to p.yaml, trials in p.db' text
[ "$(count p.db COMPLETE)" = 14 ]
[ "$(sqlite3 p.db "select count(distinct value_json) from trial_user_attributes where key = 'fold'")" = 2 ]
[ "$(sqlite3 p.db "select count(*) from trial_user_attributes where key = 'policy' and value_json like '\"autoaugment:levels=10,p0=%'")" = 14 ]
[ "$(sqlite3 p.db "select direction from study_directions")" = MINIMIZE ]
"$bantam" train m.yaml --data data --size 8 --epochs 1 --augment p.yaml --quiet >/dev/null
# It goes on, with the same networks; other settings are refused.
touch -d '2001-01-01' p.work/fold-0/weights.safetensors
"$bantam" policy search $common --trials 16 --verify 0 --out p.yaml --quiet >text
[ "$(count p.db COMPLETE)" = 16 ]
[ "$(date -r p.work/fold-0/weights.safetensors +%Y)" = 2001 ]
# A session that has no time even for the images says what was found before, and leaves it.
cp p.yaml before.yaml
BANTAM_CACHE=$PWD/cold "$bantam" policy search $common --trials 18 --budget 0.01s --verify 0 --out p.yaml >text 2>err
grep -q 'the time ended before another policy' err
grep -q 'of 16 policies in' text
cmp p.yaml before.yaml
status=0; "$bantam" policy search $common --trials 18 --seed 1 --verify 0 --out p.yaml 2>err || status=$?
[ $status = 2 ]
grep -q -- '--seed: the study of p.yaml was started with another' err
status=0; "$bantam" policy search $common --trials 18 --by training --verify 0 --out p.yaml 2>err || status=$?
[ $status = 2 ]
grep -q 'not started by training' err

# Policies that change nothing are not better than none: none is the answer, and scores are the same to the last bit.
cat >still.yaml <<'EOS'
format: search-space/1
name: still
augment:
  policy: autoaugment
  autoaugment: {levels: 10, policies: 1, ops_per_policy: 1, op: {choice: [Invert, Solarize, Rotate]}, p: 0.0, level: 9}
  flip: {p: 0.25}
EOS
"$bantam" policy search $common --space still.yaml --trials 6 --verify 0 --out still-found.yaml >text 2>talk
grep -q '^none: of 6 policies' text
grep -q '^policy: none$' still-found.yaml
grep -q '^flip: {p: 0.25}$' still-found.yaml
[ "$(sqlite3 still-found.db "select count(*) from trials t join trial_values v using (trial_id) join trial_user_attributes a using (trial_id)
    where a.key = 'plain' and v.value = json_extract(a.value_json, '\$')")" = 6 ]
# That space has 3 policies a fold: when all are tried the search is over.
timeout 60 "$bantam" policy search $common --space still.yaml --trials 50 --verify 0 --out still-found.yaml --quiet >/dev/null
[ "$(count still-found.db COMPLETE)" = 6 ]

# By training, RandAugment's space; a session that was killed leaves a policy and goes on.
"$bantam" policy search $common --by training --child-epochs 1 --space randaugment --trials 4 --verify 0 --out r.yaml --quiet >/dev/null
[ "$(count r.db COMPLETE)" = 4 ]
[ "$(sqlite3 r.db "select direction from study_directions")" = MAXIMIZE ]
grep -Eq '^policy: (randaugment|none)$' r.yaml
"$bantam" policy search $common --by training --child-epochs 1 --trials 4000 --verify 0 --out killed.yaml --quiet >/dev/null 2>&1 &
pid=$!
for _ in $(seq 600); do
    [ "$(sqlite3 killed.db "select count(*) from trials where state = 'COMPLETE'" 2>/dev/null || echo 0)" -ge 3 ] && break
    sleep 0.1
done
status=0; "$bantam" policy search $common --by training --child-epochs 1 --trials 5 --verify 0 --out killed.yaml 2>err || status=$?
[ $status = 1 ] # one at a time
grep -q 'another bantam search' err
kill -9 $pid
wait $pid 2>/dev/null || true
grep -q '^policy: ' killed.yaml
sleep 1.1 # its lease
done_before=$(count killed.db COMPLETE)
"$bantam" policy search $common --by training --child-epochs 1 --trials $((done_before + 2)) --verify 0 --out killed.yaml --quiet >/dev/null
[ "$(count killed.db COMPLETE)" = $((done_before + 2)) ]
[ "$(count killed.db RUNNING)" = 0 ]

# A budget is kept, and leaves a policy even when it is too short for anything.
begin=$(date +%s)
"$bantam" policy search $common --budget 3s --verify 0 --out b.yaml --quiet >/dev/null
[ $(($(date +%s) - begin)) -le 6 ]
grep -q '^policy: ' b.yaml
"$bantam" policy search data --model m.yaml --size 8 --epochs 100000 --by training --child-epochs 100000 --budget 1s --verify 0 \
    --out short.yaml >text 2>err
grep -q 'the time ended before the first policy' err
grep -q '^policy: none$' short.yaml

# The verification: a row a rival, the best of the RandAugments; runs are kept; the table is beside the policy.
"$bantam" policy verify data --model m.yaml --size 8 --val 80 --threads 1 --epochs 2 --policy p.yaml --seeds 2 --json >json 2>talk
"$python" - <<'PY'
import json, math
o = json.load(open("json"))
rows = {r["name"]: r for r in o["rows"]}
assert len([n for n in rows if n.startswith("RandAugment")]) == 4, rows.keys()
assert rows["no policy"]["policy"] == "flip:p=0.5+crop:pad=4,fill=mean"
assert rows["TrivialAugment"]["policy"] == "flip:p=0.5+crop:pad=4,fill=mean+trivialaugment"
spread = 0
for r in rows.values():
    a, b = r["runs"]
    assert abs((a + b) / 2 - r["val_accuracy"]) < 1e-12
    assert abs(abs(a - b) / math.sqrt(2) - r["sd"]) < 1e-12
    spread += r["sd"] ** 2 / len(rows)
assert abs(o["noise"] - 2 * math.sqrt(2 * spread / 2)) < 1e-12
plain = rows["no policy"]["val_accuracy"]
better = [r for r in rows.values() if r["val_accuracy"] - plain > o["noise"]]
best = max(better, key=lambda r: r["val_accuracy"]) if better else rows["no policy"]
assert o["recommended"] == best["policy"], o["recommended_name"]
assert ("Recommended: none." in o["table"]) == (not better)
assert open("p.md").read() == o["table"]
assert 0 <= rows["no policy"]["test_accuracy"] <= 1
PY
"$bantam" policy verify data --model m.yaml --size 8 --val 80 --threads 1 --epochs 2 --policy p.yaml --seeds 2 >text 2>talk
[ "$(grep -c '(kept)' talk)" = "$(grep -c ', seed ' talk)" ]
grep -q 'best of 4' text
grep -Eq '^\| no policy \|' text

# What people are told.
says() { # STATUS WORDS ARGUMENTS
    want=$1 words=$2 got=0
    shift 2
    "$bantam" policy "$@" >/dev/null 2>err || got=$?
    [ $got = "$want" ] || { echo "policy $*: exit $got, expected $want"; cat err; exit 1; }
    grep -q -- "$words" err || { echo "policy $*: no '$words' in:"; cat err; exit 1; }
}
says 2 'expected one of search, verify' seek
says 2 '--model is missing' search data --budget 5s
says 2 'say when it must be done' search data --model m.yaml
says 2 "'soon' is not a time" search data --model m.yaml --budget soon
says 2 "did you mean 'density'" search data --model m.yaml --trials 3 --by densty --out x.yaml
says 2 'ends in .yaml' search data --model m.yaml --trials 3 --out x.txt
says 1 'has 3 outputs but the data has 2 classes' search data --model three.yaml --size 8 --trials 3 --out x.yaml
says 1 'holds networks' search $common --space brief --trials 3 --out x.yaml
says 1 "did you mean 'autoaugment'" search $common --space autoaugmnt --trials 3 --out x.yaml
says 2 'folds: .*from 2 to 20' search data --model m.yaml --trials 3 --folds 1 --out x.yaml
says 1 "did you mean 'tpe'" search $common --sampler tpee --trials 3 --out x.yaml
says 1 'nosuch.yaml' search data --model nosuch.yaml --size 8 --trials 3 --out x.yaml
echo 'policy: none' >mine.yaml
says 1 'its study mine.db does not' search $common --trials 3 --out mine.yaml
grep -q '^policy: none$' mine.yaml
for left in x.yaml x.db x.db-wal mine.db; do
    [ ! -e $left ] || { echo "wrong options left $left behind"; exit 1; }
done
says 1 'nothere.yaml' verify data --model m.yaml --size 8 --policy nothere.yaml
says 2 'needs validation images' verify data --model m.yaml --size 8 --val 0 --policy p.yaml
