# Unreadable images: up to 1 % are left out and listed, more (or any with --strict) stop with the list; an image that
# hangs its decoder does not hang the program.
goldens=$source/tests/golden/image
mkdir -p d/a d/b
for i in $(seq 100 219); do
    ln "$goldens/s444.jpg" "d/a/$i.jpg" 2>/dev/null || cp "$goldens/s444.jpg" "d/a/$i.jpg"
    ln "$goldens/rgb.png" "d/b/$i.png" 2>/dev/null || cp "$goldens/rgb.png" "d/b/$i.png"
done
: >d/a/empty.jpg
head -c 300 "$goldens/s444.jpg" >d/a/cut.jpg

"$bantam" data import d --size 8 -o out >said 2>err
grep -qx 'out: train 240 images of 8x8x3, 2 classes' said
grep -q 'warning: 2 unreadable train images left out:' err
grep -q 'warning:   a/empty.jpg (the file is empty)' err
grep -q 'warning:   a/cut.jpg (the JPEG is damaged' err

sed "s/Linear, \[10/Linear, [2/" "$source/examples/models/nano5k.yaml" >two.yaml
# Every verb that opens the data refuses under --strict, decoded already or not.
refused() {
    status=0
    "$@" >said 2>err || status=$?
    [ "$status" = 1 ] && grep -q 'at most 0 % may be' err && grep -q 'a/empty.jpg (the file is empty)' err
}
refused "$bantam" data import d --size 8 -o out2 --strict
[ ! -e out2 ]
refused "$bantam" train two.yaml --data d --size 8 --strict --epochs 1 -q
"$bantam" train two.yaml --data d --size 8 --epochs 1 -q --out model >said 2>err
refused "$bantam" train two.yaml --data d --size 8 --strict --epochs 1 -q
refused "$bantam" eval model --data d --strict
refused "$bantam" search d --size 8 --budget 20s --strict --out run

for i in $(seq 10 33); do : >"d/b/$i.png"; done
status=0
"$bantam" data import d --size 8 -o out3 >said 2>err || status=$?
[ "$status" = 1 ]
[ "$(grep -c 'warning:   [ab]/' err)" = 20 ]
grep -q 'warning:   and 6 more' err
grep -q '26 of 266 train images are unreadable (at most 1 % may be), first a/cut.jpg' err

# Nobody ever writes to this pipe.
mkfifo d/a/pipe.jpg
for verb in "import d -o out4" "info d"; do
    # shellcheck disable=SC2086
    "$bantam" data $verb >said 2>err &
    pid=$!
    sleep 1
    began=$(date +%s)
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" = 1 ] && grep -q 'stopped while images were decoded' err
    [ $(($(date +%s) - began)) -le 3 ]
done
[ ! -e out4 ]
