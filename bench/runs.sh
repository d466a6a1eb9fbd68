# bench/runs.sh: sourced by benches of many trainings: each run is kept once it is finished, and goes on if it was stopped.
# Needs $bantam and $tar.

# cifar_folders OUT: prints the folder with train/ and test/ ($CIFAR, or unpacked from $tar into OUT once).
cifar_folders() {
    if [ -n "${CIFAR:-}" ]; then
        echo "$CIFAR"
        return
    fi
    if [ ! -d "$1/cifar" ]; then
        [ -f "$tar" ] || { echo "no CIFAR-10 at $tar (set TAR, or CIFAR to unpacked folders)" >&2; return 1; }
        rm -rf "$1/cifar.part"
        mkdir -p "$1/cifar.part"
        tar -xf "$tar" -C "$1/cifar.part"
        mv "$(dirname "$(find "$1/cifar.part" -type d -name train | head -n 1)")" "$1/cifar"
        rm -rf "$1/cifar.part"
    fi
    echo "$1/cifar"
}

# one_run OUT NAME SEED MODEL DATA OPTION...: trains unless OUT/runs/NAME/SEED/test.json is there, then reads the test split.
# A finished run is used again for the same options only.
one_run() {
    run=$1/runs/$2/$3
    model_file=$4 run_data=$5 run_seed=$3
    shift 5
    mkdir -p "$run"
    if [ -f "$run/options" ] && [ "$(cat "$run/options")" != "$model_file $*" ]; then
        echo "$run was made with: $(cat "$run/options"); remove it, or give another OUT" >&2
        exit 1
    fi
    echo "$model_file $*" >"$run/options"
    [ ! -f "$run/test.json" ] || return 0
    [ -f "$run/model/result.json" ] ||
        $bantam train "$model_file" --data "$run_data" --seed "$run_seed" --out "$run/model" --resume "$@" </dev/null
    $bantam eval "$run/model" --data "$run_data" --split test --json --quiet </dev/null >"$run/test.part"
    mv "$run/test.part" "$run/test.json"
}
