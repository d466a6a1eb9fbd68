# --group-by: frames of one clip stay in one split, in search, train and data info; what is wrong is one line.
goldens=$source/tests/golden/image
for clip in 01 02 03 04 05 06 07 08; do
    for frame in 1 2 3; do
        mkdir -p flat/cat flat/dog
        cp "$goldens/s444.jpg" "flat/cat/clip$clip-$frame.jpg"
        cp "$goldens/rgb.png" "flat/dog/clip$clip-$frame.png"
    done
done
by='(cat|dog)/clip[0-9]+'
by="($by)-"
"$bantam" data info flat --group-by "$by" 2>err | grep -q "^groups     16 by .*, the largest of 3 images$"
"$bantam" data info flat --group-by "$by" --json 2>err | tr -d ' \n' | grep -q '"n":16,"largest":3,"across":\[\]'

mkdir -p torn/train/cat torn/train/dog torn/test/cat torn/test/dog
cp flat/cat/clip0[1-5]-*.jpg torn/train/cat; cp flat/dog/clip0[1-5]-*.png torn/train/dog
cp flat/cat/clip06-*.jpg flat/cat/clip05-3.jpg torn/test/cat; cp flat/dog/clip06-*.png torn/test/dog
"$bantam" data info torn --group-by "$by" 2>err | grep -q "^leakage    1 groups have images in train and in test$"

export BANTAM_CACHE=$PWD/cache
cat >m.yaml <<'EOM'
input_size: [8, 8]
input_channel: 3
depth_multiple: 1.0
width_multiple: 1.0
backbone:
- [1, Conv, [8, 3, 2]]
- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [2]]
EOM
# 48 images in groups of 3: a quarter of them is 4 groups
"$bantam" train m.yaml --data flat --size 8 --epochs 1 --val 25% --group-by "$by" --threads 1 --json >json 2>err
grep -q '"val_images": 12' json || grep -q '"val_images":12' json
"$bantam" train m.yaml --data torn --size 8 --epochs 1 --group-by "$by" --threads 1 2>err >/dev/null
grep -q "1 groups of .* have images in train and in test of torn" err

# the search sets whole clips aside as test; eval reads the same ones without being told
"$bantam" search flat --trials 1 --epochs 1 --jobs 1 --threads 1 --size 8 --group-by "$by" --out run -q >front 2>err
"$bantam" eval run/models/best --data flat --split test --predictions p.csv >/dev/null
[ "$(sed 1d p.csv | cut -d- -f1 | sort | uniq -c | awk '$1 != 3' | wc -l)" = 0 ]
[ "$(sed 1d p.csv | wc -l)" -ge 6 ]

for verb in "data info flat" "train m.yaml --data flat" "search flat --trials 1 --out r2"; do
    status=0; "$bantam" $verb --group-by 'clip([0-9]+' >out 2>err || status=$?
    [ $status != 0 ]
    [ "$(grep -c . err)" = 1 ]
    grep -q "clip(\[0-9\]+' is no extended regular expression" err
done
status=0; "$bantam" search flat --trials 2 --out run --group-by 'clip' 2>err || status=$?
[ $status = 2 ]
grep -q -- "--group-by" err
