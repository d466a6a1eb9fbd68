#!/bin/sh
# bench/samplers/run.sh [SEEDS [TRIALS]]: samplers on the problems of play.c beside Optuna's; resumable.
#
# Each run is one file build/samplers/PROBLEM.SAMPLER.SEED (play's trial lines); those that are there are kept. Ends with
# the table of summary.py. Optuna is installed from the network into build/optuna-bench when it is not there.
#   OPTUNA   version, default 4.5.0        JOBS   runs at a time, default 1
set -eu
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --one ]; then # a call of ours: problem sampler seed trials
    seeds=1
    trials=$5
else
    seeds=${1:-30}
    trials=${2:-120}
fi
out=build/samplers
venv=build/optuna-bench
mkdir -p $out
[ "${1:-}" = --one ] || cmake --build build/release --target play_samplers >/dev/null
[ -x $venv/bin/python ] || { python3 -m venv $venv && $venv/bin/pip -q install "optuna==${OPTUNA:-4.5.0}" scipy; }

one() { # problem sampler seed
    file=$out/$1.$2.$3
    [ ! -s "$file" ] || return 0
    case $2 in
    optuna-*) $venv/bin/python bench/samplers/optuna_peer.py build/release/play_samplers "$1" "${2#optuna-}" "$3" "$trials" ;;
    *) build/release/play_samplers "$1" "$2" "$3" "$trials" ;;
    esac >"$file.part"
    mv "$file.part" "$file"
}

if [ "${1:-}" = --one ]; then
    one "$2" "$3" "$4"
    exit
fi
seed=1
while [ "$seed" -le "$seeds" ]; do
    for problem in arch zdt1 zdt3 dtlz2; do
        for sampler in random qmc evolution local regularized nsga2 tpe gp portfolio \
            optuna-random optuna-nsga2-20 optuna-nsga2-50 optuna-tpe; do
            echo "$problem $sampler $seed $trials"
        done
    done
    seed=$((seed + 1))
done | xargs -P "${JOBS:-1}" -L 1 "$0" --one
$venv/bin/python bench/samplers/summary.py $out "$seeds"
