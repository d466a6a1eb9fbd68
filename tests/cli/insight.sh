# After a search: which parameters mattered, the space narrowed by it, one model picked by limits.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
"$program" search fashion-mnist --budget 30s --trials 14 --epochs 1 --subset 1000 --val 500 --max-params 12k --seed 3 --out run 2>log || { cat log; exit 1; }

"$bantam" importance run >text
grep -q "^accuracy" text
grep -q "^front" text
"$bantam" importance run --json | grep -q '"importance": {'

"$bantam" space narrow run --keep 4 -o small.yaml >text
grep -q "parameters frozen" text
[ "$(grep -c '^  [a-z]' text)" = 4 ]
"$bantam" space info small.yaml --size 28 --channels 1 --draws 20 >info
[ "$(awk '/^parameters/ {print $2}' info)" -le 8 ]
"$program" search fashion-mnist --budget 20s --trials 2 --epochs 1 --subset 1000 --val 500 --space small.yaml --max-params 12k --out again 2>log || { cat log; exit 1; }

dir=$("$bantam" pick run)
[ -f "$dir/model.yaml" ]
"$bantam" pick run --max-params 12k --knee --json | grep -q '"path": "models/'
status=0; "$bantam" pick run --max-params 1 2>err >out || status=$?
[ $status != 0 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ]
grep -q "within the limits" err
status=0; "$bantam" pick run --knee --smallest-within 1% 2>err || status=$?
[ $status = 2 ]
