#!/bin/sh
# bench/samplers/report.sh [SEEDS]: writes what table.sh and run.sh measured into docs/results/samplers-measured.md, below its
# marker, and its pictures beside it.
#   VENV   where run.sh put Optuna (its scipy is used), default build/optuna-bench
set -eu
cd "$(dirname "$0")/../.."
seeds=${1:-30}
python=${VENV:-build/optuna-bench}/bin/python
doc=docs/results/samplers-measured.md
marker='<!-- below: bench/samplers/report.sh -->'
cmake --build build/release --target table_tau >/dev/null
{
    sed "/^$marker\$/q" $doc
    printf '\n%s of 420 runs of the table are done.\n\n### Surrogates\n\n' $(($(wc -l <bench/samplers/brief12.csv) - 1))
    build/release/table_tau bench/samplers/brief12.csv
    "$python" bench/samplers/brief12.py build/samplers "$seeds" docs/results
    "$python" bench/samplers/summary.py build/samplers "$seeds" | sed -n '/^### Area/,$p'
} >$doc.part
mv $doc.part $doc
