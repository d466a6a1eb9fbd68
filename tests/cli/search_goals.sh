# Objectives, limits and events of a search.
. "$source/tests/support/small_data.sh"
small_data small 1000 300
search() { "$program" search small --epochs 1 --max-params 8k --seed 1 "$@"; }
sql() { sqlite3 run/study.db "$1"; }

# Three objectives, one of them measured; every line of stderr is an event, stdout one object.
search --trials 5 --objectives f1_macro,params,latency_ms --max-latency 500 --json --out run >outcome.json 2>events
[ "$(sql "select group_concat(direction) from (select direction from study_directions order by objective)")" = MAXIMIZE,MINIMIZE,MINIMIZE ]
[ "$(sql "select value_json from study_system_attributes where key = 'study:metric_names'")" = '["f1_macro", "params", "latency_ms"]' ]
[ "$(sql "select count(*) from trial_values where objective = 2 and value > 0 and value < 500")" = 5 ]
# the limits of params, MACs (the space's) and latency, as Optuna's constraints
[ "$(sql "select min(json_array_length(value_json)) from trial_system_attributes where key = 'constraints'")" = 3 ]
[ "$(sql "select count(*) from trial_system_attributes, json_each(value_json) j where trial_system_attributes.key = 'constraints' and j.value > 0")" = 0 ]
for event in start phase trial front final end; do
    grep -q "^{\"event\": \"$event\", " events || { echo "no event $event in:"; cat events; exit 1; }
done
[ "$(grep -c '"event": "trial"' events)" = 5 ]
[ "$(grep -c '"event": "end"' events)" = 1 ]
grep -q '"event": "end".*"ok": true.*"trials": 5' events
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; [json.loads(line)["event"] for line in open("events")]; json.load(open("outcome.json"))["hypervolume"]'
fi
"$program" front run --csv | head -n 1 | grep -q ',path,f1_macro,latency_ms$'
"$program" front run | grep -q '^best: m'
"$program" status run | grep -Eq '^front .*, hypervolume 0\.[0-9]+$'
grep -q "^- Objectives: macro F1, parameters, latency; hypervolume" run/summary.md
# the same again, and what contradicts it
status=0; search --trials 6 --objectives accuracy,params --out run 2>err || status=$?
[ $status = 2 ]; grep -q -- "--objectives: this study was started with 'f1_macro,params,latency_ms'" err
status=0; search --trials 6 --max-latency 2 --out run 2>err || status=$?
[ $status = 2 ]; grep -q -- "--max-latency: this study was started with '500 ms'" err

# A limit that is known before training rejects before training: no trial breaks it.
search --trials 4 --max-ram 40KiB --out run2 >/dev/null 2>log
[ "$(sqlite3 run2/study.db "select count(*) from trial_user_attributes where key = 'peak_memory' and cast(value_json as integer) > 40960")" = 0 ]
# One that is not: nothing to show is exit 3 and one line that says what was missed.
status=0; search --trials 3 --min-accuracy 99% --out run3 >out 2>log || status=$?
[ $status = 3 ] && [ ! -s out ]
[ "$(grep -c '^bantam:' log)" = 1 ]
grep -Eq '^bantam: run3: none of 3 finished trials keeps the limits; the nearest, trial [0-9], has accuracy [0-9.]+% \(limit 99.00%\)$' log

usage() { # TEXT OPTIONS...
    text=$1; shift
    status=0; search --trials 1 --out run4 "$@" 2>err || status=$?
    [ $status = 2 ] || { echo "$*: exit $status"; cat err; exit 1; }
    grep -q -- "$text" err || { echo "$*: no '$text' in"; cat err; exit 1; }
}
usage "did you mean 'params'" --objectives accuracy,param
usage "must be measured on validation" --objectives params,accuracy
usage "params is there twice" --objectives accuracy,params,params
usage "'maximize,maximize' are not those of" --directions maximize,maximize
usage "85% or 0.85" --min-accuracy 85
usage "64KiB" --max-ram 64k
