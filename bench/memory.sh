#!/bin/sh
# bench/memory.sh [MODEL.yaml ...]: memory that training takes above what the process had at its start, beside PyTorch.
#
# Batch 128, a few steps; peak resident size minus that before the network was built (bantam: peak_rss_bytes minus
# start_rss_bytes of `bench train --json`; PyTorch: VmHWM of /proc/self/status, in the memory layout that needs less).
#   PEER, PYTHON, PRECISION as in bench/train.sh     THREADS default: all cores
set -eu
cd "$(dirname "$0")/.."
peer=${PEER:-../shared/bench/peer_train.py}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-$(nproc)}
[ -f "$peer" ] || { echo "no PyTorch script at $peer (set PEER)" >&2; exit 1; }
[ $# -gt 0 ] || set -- examples/models/ir139k.yaml examples/models/conv672k.yaml

theirs() { # MODEL LAYOUT
    "$python" - "$peer" "$1" "$threads" "$2" <<'PY'
import sys, torch
peer, model_path, threads, layout = sys.argv[1:]
layout = getattr(torch, layout)
names = {}
exec(open(peer).read().split("\np = argparse")[0], names)  # the script works when it is imported: its definitions only
torch.set_num_threads(int(threads))
def resident(key):
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
start = resident("VmRSS")
model, size = names["build"](model_path)
model = model.to(memory_format=layout).train()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)
x = torch.randn(128, 3, *size).contiguous(memory_format=layout)
y = torch.randint(0, 10, (128,))
for _ in range(4):
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
print(resident("VmHWM") - start)
PY
}

field() { tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\": *//p"; }

build/release/bantam doctor
printf '\n| model | PyTorch, MB | bantam, MB | share |\n|---|---:|---:|---:|\n'
for model in "$@"; do
    json=$(build/release/bantam bench train "$model" --threads "$threads" --precision "${PRECISION:-auto}" --json)
    ours=$(($(echo "$json" | field peak_rss_bytes) - $(echo "$json" | field start_rss_bytes)))
    peak=$(for layout in contiguous_format channels_last; do theirs "$model" $layout; done | sort -n | head -n 1)
    printf '| %s | %d | %d | %d %% |\n' "$(basename "$model" .yaml)" $((peak / 1000000)) $((ours / 1000000)) $((100 * ours / peak))
done
