# `bantam data info`: the table, the JSON, leakage, unreadable files, and DATA that is none.
goldens=$source/tests/golden/image
mkdir -p d/train/cat d/train/dog d/test/cat d/test/dog
cp "$goldens/s444.jpg" "$goldens/s422.jpg" d/train/cat/
cp "$goldens/rgb.png" d/train/dog/
cp "$goldens/exif.jpg" d/test/cat/
ln -s "$goldens/rgb.png" d/test/dog/other-name.png
head -c 300 "$goldens/s420.jpg" >d/train/dog/cut.jpg

"$bantam" data info d >table 2>err
grep -Eq '^cat +2 +1$' table
grep -Eq '^dog +1 +1$' table
grep -q 'unreadable 1' table
grep -q 'train/dog/cut.jpg: the JPEG is damaged' table
grep -q '1 images of test are also in train' table
grep -q 'train/dog/rgb.png = test/dog/other-name.png' table

"$bantam" data info d --json >json 2>err
tr -d ' \n' <json | grep -q '"classes":\["cat","dog"\]'
tr -d ' \n' <json | grep -q '"per_class":\[2,1\]'
tr -d ' \n' <json | grep -q '"splits":\["train","test"\],"count":1'

mkdir -p unequal/train/many unequal/train/few
ln -s "$goldens"/s4*.jpg unequal/train/many/
ln -s "$goldens/rgb.png" unequal/train/few/
"$bantam" data info unequal 2>err | grep -A1 '^imbalance .*many has .* few 1; judge by balanced accuracy' |
    grep -q 'recommended  train --logit-adjustment 1'
rm -r unequal

# Nothing but what was asked for goes to stdout, and nothing is written.
[ "$(head -c 1 json)" = '{' ]
[ "$(ls)" = "$(printf 'd\nerr\njson\ntable')" ]

status=0
"$bantam" data info fashion-minst >out 2>err || status=$?
[ "$status" != 0 ]
grep -q 'did you mean fashion-mnist' err
[ ! -s out ]
status=0
"$bantam" data info 2>err || status=$?
[ "$status" = 2 ]

if [ -d /usr/share/datasets/fashion-mnist ]; then
    "$bantam" data info fashion-mnist --json 2>err | tr -d ' \n' >json
    grep -q '"n":60000,"per_class":\[6000,' json
    grep -q '"Ankleboot"' json
fi
