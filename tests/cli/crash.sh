# kill -9 of a worker and of the supervisor at four moments: nothing finished is lost, nothing is stuck.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam} # sanitizers would only slow the moments down
[ -x "$program" ] || program=$bantam
"$source/tests/support/crash" "$program" 4
