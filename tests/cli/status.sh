# `bantam status`: a search at work, one that ended and one that was killed.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
status=0; "$bantam" status nowhere 2>err || status=$?
[ $status = 1 ]; [ "$(wc -l <err)" = 1 ]; grep -q nowhere err

search() { exec "$program" search fashion-mnist --epochs 1 --subset 1000 --val 500 --max-params 12k --seed 3 --out run "$@" >/dev/null 2>>log; }
wait_for() { # until the status says so
    for i in $(seq 600); do
        "$bantam" status run --json >status.json 2>/dev/null && grep -q "$1" status.json && return
        kill -0 $pid || { echo "the search ended before $1"; cat log; exit 1; }
        sleep 0.1
    done
    echo "the status never said $1"; exit 1
}
(search --budget 5m) & pid=$!
wait_for '"complete": [1-9]'
grep -q '"state": "running"' status.json
grep -q '"phase": "search"' status.json
grep -Eq '"left_s": [0-9]' status.json
"$bantam" status run >text
grep -Eq '^state +running, search$' text
grep -Eq '^time .* used, (4m|5m).* left' text
kill -9 $pid; wait $pid || true
for i in $(seq 50); do "$bantam" status run | grep -q "^state *interrupted" && break; sleep 0.1; done
"$bantam" status run >text
grep -q "^state *interrupted" text
grep -Eq "^trials +[1-9][0-9]* complete" text
grep -q "goes on" text
if grep -q " left" text; then exit 1; fi
grep -Eq "^best +trial-[0-9]+: .*parameters, validation [0-9.]+ %$" text

# Ended: what is on disk, and what the workers last complained about.
done=$(sed -n 's/^trials *\([0-9]*\) complete.*/\1/p' text)
(search --trials $((done + 1)))
echo "bantam: work/x: a line that a worker left" >>run/work/worker-0.log
(cd run && "$bantam" status) >text
grep -Eq "^state +ended$" text
grep -Eq "^best +m[0-9]+-.*test [0-9.]+ %$" text
grep -Eq "^smallest +m[0-9]+-" text
grep -q "^errors *worker-0.log: bantam: work/x: a line that a worker left" text
"$bantam" status run --json | grep -q '"phase": null'
rm -r run/work
"$bantam" status run >/dev/null
