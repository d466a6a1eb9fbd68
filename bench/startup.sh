#!/bin/sh
# bench/startup.sh DATA [TRIALS]: how long a trial takes from its claim to its first step, and a worker from its start to the
# first step of its first trial (attributes setup_s and since_exec_s of the trials; medians, milliseconds).
#
# TRIALS (default 20) random networks of the space `brief`, one epoch of 256 images each, THREADS (default 1) threads; then
# STARTS (default 5) searches of one trial each. Images are decoded into the cache before. Needs sqlite3.
set -eu
data=$1 trials=${2:-20}
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

complete() { sqlite3 "$1/study.db" "select count(*) from trials where state = 'COMPLETE'" 2>/dev/null || echo 0; }

search() { # DIR TRIALS SEED: stopped before the front would be trained again
    build/release/bantam search "$data" --space brief --sampler random --trials "$2" --seed "$3" --epochs 1 --subset 256 --val 64 \
        --jobs 1 --threads "${THREADS:-1}" --out "$1" --quiet >/dev/null &
    while kill -0 $! 2>/dev/null && [ "$(complete "$1")" -lt "$2" ]; do sleep 0.2; done
    kill -INT $! 2>/dev/null || true
    wait $! || true
}

values() { # DIR ATTRIBUTE
    sqlite3 "$1/study.db" "select value_json from trial_system_attributes where key = '$2' union all
                           select value_json from trial_user_attributes where key = '$2'"
}

report() { # NAME
    sort -n | awk -v name="$1" '{ v[NR] = 1000 * $1 }
        END { printf "%-28s median %.0f ms, largest %.0f ms (%d)\n", name, (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[NR], NR }'
}

search "$out/warm" 1 0
search "$out/many" "$trials" 1
values "$out/many" setup_s | report "claim to first step"
k=1
while [ $k -le "${STARTS:-5}" ]; do
    search "$out/$k" 1 "$k"
    values "$out/$k" since_exec_s >>"$out/starts"
    k=$((k + 1))
done
report "worker's start to first step" <"$out/starts"
