#!/bin/sh
# bench/train.sh [MODEL.yaml ...]: training speed beside PyTorch, one run on one machine.
#
# Both train the same five networks (batch 128, forward + loss + backward + SGD step; bantam also assembles and
# augments its batches). They take turns, A B A B ..., ROUNDS times; the table shows medians and their ratio.
#   PEER     the PyTorch script (default: peer_train.py beside the checkout; needs python3-torch, python3-yaml)
#   PYTHON   default /usr/bin/python3      THREADS  default: all cores      ROUNDS  default 3
#   PRECISION of bantam: auto (bf16 where the CPU has it), f32, bf16; PyTorch always trains in f32
set -eu
cd "$(dirname "$0")/.."
peer=${PEER:-../shared/bench/peer_train.py}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-$(nproc)}
rounds=${ROUNDS:-3}
precision=${PRECISION:-auto}
bantam=build/release/bantam
[ -x $bantam ] || { echo "run make build first" >&2; exit 1; }
[ -f "$peer" ] || { echo "no PyTorch script at $peer (set PEER)" >&2; exit 1; }
[ $# -gt 0 ] || set -- examples/models/tiny20k.yaml examples/models/dw51k.yaml examples/models/se71k.yaml \
    examples/models/ir139k.yaml examples/models/conv672k.yaml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for model in "$@"; do
    round=0
    while [ $round -lt "$rounds" ]; do
        "$python" "$peer" speed "$model" --batch 128 --threads "$threads" >>"$out/peer" 2>>"$out/log"
        $bantam bench train "$model" --batch 128 --threads "$threads" --precision "$precision" --json >>"$out/bantam" 2>>"$out/log"
        round=$((round + 1))
    done
done
$bantam doctor
echo
"$python" - "$out/peer" "$out/bantam" <<'PY'
import json, statistics, sys
def read(path):
    rows = {}
    for line in open(path):
        r = json.loads(line)
        rows.setdefault(r["model"], []).append(r)
    return rows
def speeds(rows):
    return [r["images_per_s"] for r in rows]
peer, ours = read(sys.argv[1]), read(sys.argv[2])
print("| model | precision | PyTorch images/s | bantam images/s | ratio (median of pairs) | share of the peak |")
print("|---|---|---:|---:|---:|---:|")
for m in ours:
    theirs, mine = speeds(peer[m]), speeds(ours[m])
    ratio = statistics.median(b / a for a, b in zip(theirs, mine))
    share = statistics.median(r["share_of_peak"] for r in ours[m])
    print(f"| {m} | {ours[m][0]['precision']} | {statistics.median(theirs):.0f} | {statistics.median(mine):.0f} | {ratio:.2f} | {share:.0%} |")
PY
