# `bantam data import`: NumPy files from a folder with CSV lists; what people type wrong.
goldens=$source/tests/golden/image
mkdir d
cp "$goldens/s444.jpg" "$goldens/exif.jpg" "$goldens/rgba.png" "$goldens/lossy.webp" d/
printf 'path,label\ns444.jpg,cat\nexif.jpg,cat\nrgba.png,dog\nlossy.webp,dog\n' >d/train.csv
printf 'path,label\nlossy.webp,dog\n' >d/test.csv

"$bantam" data import d --size 24 -o out >said 2>err
grep -qx 'out: train 4, test 1 images of 24x24x3, 2 classes' said
[ "$(ls out)" = "$(printf 'manifest.json\ntest-labels.npy\ntest.npy\ntrain-labels.npy\ntrain.npy')" ]
[ "$(wc -c <out/train.npy)" = $((128 + 4 * 24 * 24 * 3)) ]
if python3 -c 'import numpy' 2>/dev/null; then
    python3 - <<'END'
import numpy
x, y = numpy.load("out/train.npy"), numpy.load("out/train-labels.npy")
assert x.shape == (4, 24, 24, 3) and x.dtype == numpy.uint8 and list(y) == [0, 0, 1, 1]
END
fi
"$bantam" data info d/train.csv 2>err | grep -q '(csv)'

status=0
"$bantam" data import d -o out >said 2>err || status=$?
[ "$status" = 1 ] && grep -q 'the folder is not empty' err
status=0
"$bantam" data import d 2>err || status=$?
[ "$status" = 2 ] && grep -q 'DIR is missing' err
printf 'path,label\nrgba.png,dog\ns444.jpg\n' >bad.csv
status=0
"$bantam" data import bad.csv -o out2 2>err || status=$?
[ "$status" = 1 ] && grep -q 'bad.csv:3: the row has 1 values, the header 2' err
[ ! -e out2 ]

# What was imported is a data set for every verb, with the size it has.
sed 's/Linear, \[10/Linear, [2/' "$source/examples/models/nano5k.yaml" >two.yaml
"$bantam" data info out | grep -q '(numpy)'
"$bantam" train two.yaml --data out --val 0 --epochs 1 -q --out model >said
"$bantam" eval model --data out --split test | grep -q 'accuracy'
"$bantam" data import out -o again | grep -qx 'again: train 4, test 1 images of 24x24x3, 2 classes'
cmp out/train.npy again/train.npy
status=0
"$bantam" search out --val 2 --trials 1 --epochs 1 --threads 1 --jobs 1 --max-params 20k -q --out run >said 2>err || status=$?
[ "$status" = 0 ] || { cat err; exit 1; }
