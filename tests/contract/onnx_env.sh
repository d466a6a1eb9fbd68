#!/bin/sh
# onnx_env.sh DIR: a virtual environment in DIR that holds onnx and onnxruntime, made once and then reused. Prints its
# python. Exit 77 where no package index can be reached; BANTAM_REQUIRE_ONNX=1 turns that into a failure.
set -u
dir=$1

give_up() {
    echo "onnx: $1" >&2
    [ "${BANTAM_REQUIRE_ONNX:-0}" = 1 ] && exit 1
    exit 77
}
install() { "$dir/bin/python" -m pip install --quiet --retries 1 --only-binary :all: "$@" >&2; }

mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock" && flock 9 # tests that run at the same time make one environment
if ! "$dir/bin/python" -c 'import onnx, onnxruntime' 2>/dev/null; then
    python3 -m venv --clear "$dir" >&2 || give_up "cannot make a virtual environment (package python3-venv)"
    install onnx==1.15.0 onnxruntime==1.26.0 numpy==1.26.4 || install onnx onnxruntime numpy ||
        give_up "pip cannot install onnx and onnxruntime here: not checked"
fi
echo "$dir/bin/python"
