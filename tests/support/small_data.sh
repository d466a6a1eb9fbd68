# SPDX-License-Identifier: Apache-2.0
# small_data DIR TRAIN TEST: the first images of Fashion-MNIST as IDX files in DIR; for searches of seconds. Sourced.
fashion=/usr/share/datasets/fashion-mnist
[ -d $fashion ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
be32() { printf "\\$(printf %03o $(($1 >> 24 & 255)))\\$(printf %03o $(($1 >> 16 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))\\$(printf %03o $(($1 & 255)))"; }
first() { # FROM TO N
    { be32 2051; be32 "$3"; be32 28; be32 28; zcat "$fashion/$1-images-idx3-ubyte.gz" | tail -c +17 | head -c $(($3 * 784)); } >"$2-images-idx3-ubyte"
    { be32 2049; be32 "$3"; zcat "$fashion/$1-labels-idx1-ubyte.gz" | tail -c +9 | head -c "$3"; } >"$2-labels-idx1-ubyte"
}
small_data() {
    mkdir -p "$1"
    first train "$1/train" "$2" 2>/dev/null
    first t10k "$1/t10k" "$3" 2>/dev/null
}
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
