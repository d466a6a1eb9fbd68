#!/bin/sh
# bench/samplers/overhead.sh: median CPU milliseconds of ask + tell in memory, 60 numbers, after 300, 1,000 and 10,000 trials.
#
# Each sampler of ours, then Optuna's at 300 and 1,000 (in memory as well, two objectives); one process a cell, one after
# the other. Optuna is installed from the network into build/optuna-bench when it is not there.
#   OPTUNA   version, default 4.5.0        VENV   a virtual environment that has it already
set -eu
cd "$(dirname "$0")/../.."
venv=${VENV:-build/optuna-bench}
cmake --build build/release --target overhead_samplers >/dev/null
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv" && "$venv/bin/pip" -q install "optuna==${OPTUNA:-4.5.0}" scipy; }

echo "| sampler | 300 trials | 1,000 | 10,000 |"
echo "|---|---:|---:|---:|"
for sampler in portfolio tpe gp evolution local nsga2 regularized qmc random; do
    row="| $sampler |"
    for n in 300 1000 10000; do
        row="$row $(build/release/overhead_samplers $sampler $n | cut -d' ' -f3) |"
    done
    echo "$row"
done
for sampler in tpe nsga2 random; do
    row="| Optuna $sampler |"
    for n in 300 1000; do
        row="$row $("$venv/bin/python" bench/samplers/optuna_overhead.py $sampler $n) |"
    done
    echo "$row |"
done
