# Data sets by name: found in --data-dir as archive or folder, in the cache, else downloaded and checked.
export BANTAM_CACHE="$PWD/cache"
unset http_proxy https_proxy
mkdir -p bin/cifar-10-batches-bin archive images
names='airplane automobile bird cat deer dog frog horse ship truck'
printf '%s\n' $names >bin/cifar-10-batches-bin/batches.meta.txt
for label in 000 001 002 003 004 005 006 007 010 011; do
    for copy in 1 2 3; do
        printf "\\$label" >>all
        head -c 3072 /dev/urandom >>all
    done
done
cp all bin/cifar-10-batches-bin/data_batch_1.bin
cp all bin/cifar-10-batches-bin/test_batch.bin
tar -C bin -czf archive/cifar-10-binary.tar.gz cifar-10-batches-bin
for c in cat dog; do
    mkdir -p "images/cifar10/train/$c"
    cp "$source/tests/golden/image/rgb.png" "images/cifar10/train/$c/1.png"
done

"$bantam" data info cifar10 --data-dir archive 2>err | grep -q '^airplane .* 3 .* 3$'
"$bantam" data info cifar10 --data-dir bin 2>err | grep -q '(cifar)'
BANTAM_DATA_DIR=images "$bantam" data info cifar10 2>err | grep -q '(imagefolder)'
"$bantam" search cifar10 --data-dir archive --val 10 --trials 1 --epochs 1 --threads 1 --jobs 1 --max-params 20k -q \
    --out run >said 2>err || { cat err; exit 1; }
"$bantam" eval run/models/best --data cifar10 --data-dir archive --split test | grep -q accuracy

# Without a network.
status=0
BANTAM_DATA_URL=http://127.0.0.1:1 "$bantam" train "$source/examples/models/nano5k.yaml" --data cifar10 -q 2>err || status=$?
[ "$status" = 1 ] && [ "$(wc -l <err)" = 1 ]
grep -q "bantam: cifar10: cannot download http://127.0.0.1:1/cifar-10-binary.tar.gz (.*); without a network put the file \
there by hand: $PWD/cache/downloads/cifar-10-binary.tar.gz" err

# A server with another file of that name.
command -v python3 >/dev/null || exit 0
python3 "$source/tests/support/file_server.py" archive port &
server=$!
trap 'kill $server' EXIT
while [ ! -e port ]; do sleep 0.1; done
status=0
BANTAM_DATA_URL="http://127.0.0.1:$(cat port)" "$bantam" data info cifar10 2>err || status=$?
[ "$status" = 1 ] && grep -q 'cifar10: .* is not the file it should be' err
[ -z "$(ls cache/downloads)" ]

# By hand, as it said.
cp archive/cifar-10-binary.tar.gz cache/downloads/
"$bantam" data info cifar10 2>err | grep -q '(cifar)'
