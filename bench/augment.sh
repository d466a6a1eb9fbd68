#!/bin/sh
# bench/augment.sh DIR: augmentation speed beside torchvision + Pillow, one run on one machine, one thread each; and how
# much faster two threads are than one.
#
# Both augment the same images: the first COUNT (32 px) or COUNT/5 (224 px) files of DIR, a folder of class folders.
# They take turns, A B A B ..., ROUNDS times; the table shows medians and the median of the ratios of neighbours.
#   CLOCK    wall (default), or cpu: processor time on both sides, for a machine that others use (of two threads: half
#            of their sum, so without what they wait for each other)
#   PEER     the torchvision script (default: peer_augment.py beside the checkout; needs python3-torchvision)
#   PYTHON   default /usr/bin/python3      COUNT  default 1000      ROUNDS  default 3      SIZES  default "32 224"
set -eu
cd "$(dirname "$0")/.."
peer=${PEER:-../shared/bench/peer_augment.py}
python=${PYTHON:-/usr/bin/python3}
count=${COUNT:-1000}
rounds=${ROUNDS:-3}
clock=${CLOCK:-wall}
cpu=
[ "$clock" = wall ] || cpu=--cpu
[ "$clock" = wall ] || export OMP_WAIT_POLICY=passive
bantam=build/release/bantam
[ -x $bantam ] || { echo "run make build first" >&2; exit 1; }
[ -f "$peer" ] || { echo "no torchvision script at $peer (set PEER)" >&2; exit 1; }
[ $# = 1 ] || { echo "usage: bench/augment.sh DIR" >&2; exit 2; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export BANTAM_CACHE="$out/cache"
: >"$out/two"
for size in ${SIZES:-32 224}; do
    n=$count
    [ "$size" -le 64 ] || n=$((count / 5))
    find "$1" -type f | sort | awk -v n="$n" '{ f[NR] = $0 } END { for (i = 0; i < n && i < NR; i++) print f[1 + int(i * NR / n)] }' |
        while read -r file; do
            class=$out/images$size/$(basename "$(dirname "$file")")
            mkdir -p "$class"
            ln -s "$(realpath "$file")" "$class/"
        done
    round=0
    while [ $round -lt "$rounds" ]; do
        "$python" -c 'import runpy, sys, time
if sys.argv[1] == "cpu": time.perf_counter = time.process_time
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$clock" "$peer" "$out/images$size" --count "$n" --size "$size" \
            >>"$out/peer" 2>>"$out/log"
        $bantam bench augment "$out/images$size" --size "$size" $cpu --json >"$out/one"
        "$python" -c 'import json, sys; [print(json.dumps(r)) for r in json.load(open(sys.argv[1]))]' "$out/one" >>"$out/bantam"
        $bantam bench augment "$out/images$size" --size "$size" --threads 2 $cpu --json >"$out/one"
        "$python" -c 'import json, sys; [print(json.dumps(r)) for r in json.load(open(sys.argv[1]))]' "$out/one" >>"$out/two"
        round=$((round + 1))
    done
done
$bantam doctor
echo
"$python" - "$out/peer" "$out/bantam" "$out/two" <<'PY'
import json, statistics, sys
def read(path):
    rows = {}
    for line in open(path):
        r = json.loads(line)
        rows.setdefault((r["size"], r["what"]), []).append(r["images_per_s"])
    return rows
peer, ours, two = map(read, sys.argv[1:])
med = statistics.median
def ratio(a, b):
    return med(y / x for x, y in zip(a, b))
print("| px | what | torchvision images/s | bantam images/s | ratio | two threads by one |\n|---:|---|---:|---:|---:|---:|")
for k in ours:
    more = f"{ratio(ours[k], two[k]):.2f}" if k in two else ""
    print(f"| {k[0]} | {k[1]} | {med(peer[k]):.0f} | {med(ours[k]):.0f} | {ratio(peer[k], ours[k]):.1f} | {more} |")
PY
