#!/bin/sh
# optuna_env.sh DIR: a virtual environment in DIR that holds Optuna, made once and then reused. Prints its python.
# Exit 77 where no package index can be reached; BANTAM_REQUIRE_OPTUNA=1 turns that into a failure.
set -u
dir=$1
pin=4.5.0 # the oldest that writes what docs/format/study.md says; the schema is the same up to 5.0

give_up() {
    echo "optuna: $1" >&2
    [ "${BANTAM_REQUIRE_OPTUNA:-0}" = 1 ] && exit 1
    exit 77
}

mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock" && flock 9 # tests that run at the same time make one environment
if ! "$dir/bin/python" -c 'import optuna' 2>/dev/null; then
    python3 -m venv --clear "$dir" >&2 || give_up "cannot make a virtual environment (package python3-venv)"
    "$dir/bin/python" -m pip install --quiet --retries 1 "optuna==$pin" >&2 ||
        "$dir/bin/python" -m pip install --quiet --retries 1 'optuna>=4.5,<5' >&2 ||
        give_up "pip cannot install Optuna here: not checked"
    # for its plots; without it they are left out, with a line
    "$dir/bin/python" -m pip install --quiet --retries 1 plotly >&2 || true
fi
echo "$dir/bin/python"
