# `bantam augment run`: boxes and class folders in, the same format out; any number of threads gives the same bytes; a run
# that lost images makes those and no others.
printf '%s' iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAIAAAACDbGyAAAAW0lEQVR4nAFQAK//AEQggjz95vHCazD5DsfdAQDkiHU0og8LDQTDbtgOceACGe87Qs7cif7RcPG/Lzn4BGQk4Z4uYfYMvUDcJOuCCATWuDi+X/4zTc/1Qbm12hD21ScjvokLGgAAAABJRU5ErkJggg== | base64 -d > in.png

mkdir -p yolo/images yolo/labels
for i in 1 2 3; do
    "$bantam" augment apply --op Noise --value 60 --seed $i in.png yolo/images/$i.png
    echo "1 0.5 0.4 0.6 0.4" > yolo/labels/$i.txt
done
cp yolo/images/1.png yolo/images/empty.png
printf 'train: images\nnames: [cat, dog]\n' > yolo/data.yaml
echo "7 0.5 0.4 0.6 0.4" >> yolo/labels/2.txt
echo "0 0.5 nan 0.6 0.4" >> yolo/labels/3.txt

run() { "$bantam" augment run -q yolo "$@" --policy flip+crop:1+randaugment --copies 3 --seed 5 --mosaic 0.5; }
run one --threads 1 > said 2> warned
grep -q 'yolo/labels/2.txt:2: class 7 is not in the names of data.yaml' warned
grep -q 'yolo/labels/3.txt:2: expected a number' warned
grep -q '^found: category 1$' said
grep -q '^16 images in one from 4, 16 made now' said
[ "$(ls one/images/train | wc -l)" = 16 ]
[ "$(ls one/labels/train | wc -l)" = 16 ]
[ "$(wc -l < one/manifest.jsonl)" = 17 ]
grep -q '"policy": "randaugment:n=2,m=9,levels=31+flip:p=0.5+crop:pad=1,fill=mean", "seed": 5' one/manifest.jsonl
[ "$(cat one/labels/train/1_000001_0.txt)" = "1 0.5 0.4 0.6 0.4" ] # the original
cmp one/images/train/1_000001_0.png yolo/images/1.png

run two --threads 3 > /dev/null 2>&1
diff -r one two
rm two/images/train/2_000002_1.png two/labels/train/2_000002_1.txt
run two --threads 2 2> /dev/null | grep -q ', 1 made now'
diff -r one two
if "$bantam" augment run yolo two --copies 2 2> said; then exit 1; fi
grep -q 'a run of other data or settings' said
if run yolo 2> said; then exit 1; fi
grep -q 'is not empty' said
if run strict --strict 2> said; then exit 1; fi
grep -q 'labels/2.txt:2: class 7' said
[ ! -e strict ]

# What was written is read: of the same format, without a finding.
"$bantam" augment run -q one again --copies 0 --json > said
grep -q '"images": 16' said
grep -q '"findings": {}' said
[ "$(grep -h . one/labels/train/*.txt | sort | md5sum)" = "$(grep -h . again/labels/train/*.txt | sort | md5sum)" ]

# Class folders: val and test are written as they are.
mkdir -p data/train/a data/train/b data/val/a
cp yolo/images/1.png data/train/a/
cp yolo/images/2.png data/train/b/
cp yolo/images/3.png data/val/a/
"$bantam" augment run -q data grown --policy Rotate:value=30 --copies 2 | grep -q '^7 images'
[ "$(ls grown/train/a | wc -l)" = 3 ]
[ "$(ls grown/val/a | wc -l)" = 1 ]
"$bantam" augment apply --op Rotate --value 30 data/train/a/1.png want.png
cmp want.png grown/train/a/1_000001_2.png
if "$bantam" augment run data mixed --mosaic 1 2> said; then exit 1; fi
grep -q 'need boxes, not a class folder' said
if "$bantam" augment run yolo other --mixup 0.6 --cutmix 0.6 2> said; then exit 1; fi
grep -q 'at most 1 in all, found 1.2' said
[ ! -e other ]
# Images that meet in one bring their boxes; the manifest says how.
for mix in mosaic9 mixup cutmix copy-paste; do
    "$bantam" augment run -q yolo "by-$mix" --$mix 1 --copies 2 --no-originals --threads 2 > /dev/null 2>&1
    [ "$(grep -c "\"$(echo $mix | tr - _)\": \[{\"source\"" "by-$mix/manifest.jsonl")" = 8 ]
    "$bantam" augment run -q "by-$mix" "again-$mix" --copies 0 --json | grep -q '"findings": {}'
done
[ "$(cat by-mixup/labels/train/*.txt | wc -l)" -gt 8 ]
if "$bantam" augment run yolo other --format coca 2> said; then exit 1; fi
grep -q 'expected coco, voc, yolo or folder' said
# What shares labels belongs into training; it is not left out in silence.
for mixes in mixup flip+cutmix mosaic; do
    if "$bantam" augment run yolo other --policy $mixes 2> said; then exit 1; fi
    grep -q 'share labels between images, which only training can' said
    [ ! -e other ]
done
