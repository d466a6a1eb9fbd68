# Every command of docs/guide.md, docs/deploy.md and README.md runs, in order, on three classes of small pictures.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
here=$PWD
mkdir bin
ln -s "$program" bin/bantam
PATH=$here/bin:$PATH
export PATH

picture=$source/tests/golden/image
for class in cat:s444.jpg dog:clear_lossless.webp fox:exif.jpg; do
    for split in train:1:40 test:2:10; do
        dir=photos/${split%%:*}/${class%:*}
        mkdir -p "$dir"
        phase=${split#*:}
        i=1
        while [ $i -le "${phase#*:}" ]; do
            bantam augment apply --op Rotate --value $((i * 8 + ${phase%:*})) "$picture/${class#*:}" "$dir/$i.png"
            i=$((i + 1))
        done
    done
done

for doc in docs/guide.md docs/deploy.md README.md; do
    mkdir -p "at/$doc/build/release"
    cd "at/$doc"
    ln -s "$here/photos" photos
    ln -s "$source/examples" examples
    ln -s "$program" build/release/bantam
    "$source/tests/support/run_sh_blocks" "$source/$doc"
    cd "$here"
done

# A command that fails fails the test.
printf '```sh\nbantam front nowhere\n```\n' >bad.md
mkdir bad
cd bad
if "$source/tests/support/run_sh_blocks" ../bad.md >/dev/null; then exit 1; fi
