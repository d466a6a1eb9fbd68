#!/bin/sh
# bench/samplers/run.sh [SEEDS [TRIALS]]: samplers on the problems of problems.c beside Optuna's; resumable.
#
# Each run is one file build/samplers/PROBLEM.SAMPLER.SEED (play's trial lines); those that are there are kept: remove them
# when the table of measured networks has grown. Ends with the tables of summary.py. Optuna is installed from the network into
# build/optuna-bench when it is not there.
#   PROBLEMS  default "arch zdt1 zdt3 dtlz2 brief12 brief12-kernel"; on the last two random search has 150 trials, and portfolio
#             is run once more with early stopping
#   SAMPLERS  default: all of ours, and Optuna's
#   OPTUNA    version, default 4.5.0      JOBS   runs at a time, default 1      VENV   another place of Optuna
set -eu
cd "$(dirname "$0")/../.."
out=build/samplers
venv=${VENV:-build/optuna-bench}

one() { # problem sampler seed trials
    file=$out/$1.$2.$3
    [ ! -s "$file" ] || return 0
    case $2 in
    optuna-*) $venv/bin/python bench/samplers/optuna_peer.py build/release/play_samplers "$1" "${2#optuna-}" "$3" "$4" ;;
    *) build/release/play_samplers "$1" "$2" "$3" "$4" ;;
    esac >"$file.part"
    mv "$file.part" "$file"
}

if [ "${1:-}" = --one ]; then
    shift
    one "$@"
    exit
fi
seeds=${1:-30}
trials=${2:-120}
problems=${PROBLEMS:-arch zdt1 zdt3 dtlz2 brief12 brief12-kernel}
samplers=${SAMPLERS:-random qmc evolution local regularized nsga2 tpe gp portfolio optuna-random optuna-nsga2-20 optuna-nsga2-50 optuna-tpe}
mkdir -p $out
cmake --build build/release --target play_samplers >/dev/null
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv" && "$venv/bin/pip" -q install "optuna==${OPTUNA:-4.5.0}" scipy; }
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

plan() {
    seed=1
    while [ "$seed" -le "$seeds" ]; do
        for problem in $problems; do
            for sampler in $samplers; do
                case $problem.$sampler in
                brief12*.random | brief12*.optuna-random) echo "$problem $sampler $seed $((trials * 5 / 4))" ;;
                *) echo "$problem $sampler $seed $trials" ;;
                esac
            done
            case $problem in
            brief12*) for pruner in asha median:eta=3; do echo "$problem portfolio+$pruner $seed $((trials * 2))"; done ;;
            esac
        done
        seed=$((seed + 1))
    done
}

plan | xargs -P "${JOBS:-1}" -L 1 "$0" --one
"$venv/bin/python" bench/samplers/summary.py $out "$seeds"
