# Operations on image files: what comes out, and what is said when something is wrong.
# Both images are Pillow's; the second is torchvision's F.rotate(first, 30).
printf '%s' iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAIAAAACDbGyAAAAW0lEQVR4nAFQAK//AEQggjz95vHCazD5DsfdAQDkiHU0og8LDQTDbtgOceACGe87Qs7cif7RcPG/Lzn4BGQk4Z4uYfYMvUDcJOuCCATWuDi+X/4zTc/1Qbm12hD21ScjvokLGgAAAABJRU5ErkJggg== | base64 -d > in.png
printf '%s' iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAIAAAACDbGyAAAAW0lEQVR4nAFQAK//AAAAAPHCazD5Dg5x4AAAAAQ8/eYaEB64YdRw8bcKqtgB5Ih1kuh2HpvqQE3m69QlBBnvOwAAAGFx+QAAE/X/dgAAAABhm5G9+g/wFp0AAAAYMyACCAKfjQAAAABJRU5ErkJggg== | base64 -d > want.png

"$bantam" augment apply --op Rotate --value 30 in.png out.png
"$bantam" augment apply --op Identity want.png want2.png # the same picture through our PNG writer
cmp out.png want2.png

"$bantam" augment apply --op rotate --value=-30 in.png left.png
if cmp -s left.png out.png; then exit 1; fi

"$bantam" augment apply --op Invert in.png inv.png
"$bantam" augment apply --op Invert inv.png back.png
"$bantam" augment apply --op Identity in.png same.png
cmp back.png same.png

fails() { # EXPECTED-TEXT ARGUMENTS...: the program must fail, say it, and write nothing
    say=$1
    shift
    if "$bantam" augment apply "$@" none.png 2> said; then exit 1; fi
    grep -q -F -e "$say" said || { cat said; exit 1; }
    if [ -e none.png ]; then exit 1; fi
}
fails "did you mean 'Rotate'" --op Rotat --value 30 in.png
fails 'needs a value from -360 to 360 (degrees)' --op Rotate in.png
fails 'from 0 to 8 (bits), found 9' --op Posterize --value 9 in.png
fails '--op is missing' in.png
fails 'nosuch.png' --op Invert nosuch.png

"$bantam" augment list | grep -q '^Rotate .*degrees.*-360..360'
"$bantam" augment list --json | grep -q '"name": "AutoContrast"'

# The table of the guide is what the program prints.
"$bantam" augment list | while read -r line; do
    grep -q -F -e "$line" "$source/docs/augmentation.md" || { echo "docs/augmentation.md lacks: $line"; exit 1; }
done

# Operations that draw take a seed, SamplePairing another image.
"$bantam" augment apply --op Cutout --value 0.5 --seed 1 in.png a.png
"$bantam" augment apply --op Cutout --value 0.5 --seed 1 in.png b.png
"$bantam" augment apply --op Cutout --value 0.5 --seed 6 in.png c.png
cmp a.png b.png
if cmp -s a.png c.png; then exit 1; fi
fails '--with FILE' --op SamplePairing --value 0.4 in.png
"$bantam" augment apply --op SamplePairing --value 1 --with want.png in.png all.png
cmp all.png want2.png

# A data set of eight images: replay, contact sheets.
mkdir -p data/a data/b cache
export BANTAM_CACHE=cache
for i in 1 2 3 4; do
    "$bantam" augment apply --op Noise --value 60 --seed $i in.png data/a/$i.png
    "$bantam" augment apply --op Noise --value 90 --seed $i in.png data/b/$i.png
done
see() { # OUT ARGUMENTS...
    file=$1
    shift
    "$bantam" augment show data --size 8 --policy "flip+crop:2+autoaugment:cifar10" -o "$file" "$@"
}
see e0.png --id 3 --epoch 0
see again.png --id 3 --epoch 0
see e1.png --id 3 --epoch 1
cmp e0.png again.png
if cmp -s e0.png e1.png; then exit 1; fi
if see none.png --id 8 2> said; then exit 1; fi
grep -q 'images 0 to 7' said
"$bantam" augment show data --size 8 --policy none -o plain.png
see copy0.png --id 1 --epoch 2
see copy3.png --id 1 --epoch 2 --copy 3 # as oversampling shows it the fourth time
if cmp -s copy0.png copy3.png; then exit 1; fi
see copy0b.png --id 1 --epoch 2 --copy 0
cmp copy0.png copy0b.png
"$bantam" augment preview data --size 8 -o ops.png
"$bantam" augment preview data --size 8 --policy flip+crop:2 -o policy.html
[ -s ops.png ]
[ "$(grep -o 'data:image/png;base64' policy.html | wc -l)" = 64 ]
grep -q '<th>image 7</th>' policy.html
"$bantam" augment preview data --size 8 --policy flip --id 6 -o around.html # eight images: 6, 7, and again from 0 on
grep -q '<th>image 0</th>' around.html
if grep -q '<th>image 8</th>' around.html; then exit 1; fi
if "$bantam" augment preview data -o sheet.gif 2> said; then exit 1; fi
grep -q '.png or .html' said
