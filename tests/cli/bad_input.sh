# Every verb with bad input: one clear line on stderr that names the culprit, nothing on stdout, exit status 1 (it failed)
# or 2 (wrong usage).
picture=$source/tests/golden/image/s444.jpg
model=$source/examples/models/nano5k.yaml
mkdir empty photos photos/cat photos/dog
for i in 1 2 3 4 5 6; do
    "$bantam" augment apply --op Rotate --value $((i * 40)) "$picture" photos/cat/$i.png
    "$bantam" augment apply --op Rotate --value $((i * 40)) "$source/tests/golden/image/exif.jpg" photos/dog/$i.png
done
echo "hello" >text.txt
echo "a: [1" >broken.yaml
: >zero
printf 'input_size: [8, 8]\ninput_channel: 3\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n- [1, Conv, [8, 3, 2]]\n- [1, GlobalAvgPool, []]\n- [1, Flatten, []]\n- [1, Linear, [2]]\n' >m.yaml
"$bantam" train m.yaml --data photos --size 8 --epochs 1 --val 0 --out trained -q >/dev/null

# refused STATUS TEXT ARGUMENT...
refused() {
    want=$1 text=$2
    shift 2
    status=0
    "$bantam" "$@" >out 2>talk </dev/null || status=$?
    grep -v -e '^decoding ' -e '^no test split in ' talk >err || true # what it chose, not what is wrong
    if [ "$status" != "$want" ] || [ "$(wc -l <err)" != 1 ] || [ -s out ] || ! grep -q '^bantam: ' err ||
        ! grep -q -e "$text" err; then
        echo "bantam $*: exit status $status (expected $want), stderr (expected one line with '$text'):"
        cat err
        exit 1
    fi
}

# What is not there, empty, or of another kind, in the place of every file and folder.
for bad in nowhere empty text.txt zero broken.yaml; do
    refused 1 "$bad" search $bad --trials 1 --out run
    refused 1 "$bad" search photos --trials 1 --out run --space $bad
    refused 1 "$bad" front $bad
    refused 1 "$bad" status $bad
    refused 1 "$bad" worker $bad
    refused 1 "$bad" train $bad --data photos
    refused 1 "$bad" train m.yaml --data $bad
    refused 1 "$bad" train m.yaml --data photos --recipe $bad
    refused 1 "$bad" eval $bad --data photos
    refused 1 "$bad" eval trained --data $bad --split test
    refused 1 "$bad" predict $bad "$picture"
    refused 1 "$bad" predict trained $bad
    refused 1 "$bad" predict trained --input $bad --logits out.npy
    refused 1 "$bad" model info $bad
    refused 1 "$bad" data info $bad
    refused 1 "$bad" data import $bad -o imported
    refused 1 "$bad" augment apply --op Invert $bad out.png
    refused 1 "$bad" space info $bad
    refused 1 "$bad" bench train $bad
    refused 1 "$bad" bench infer $bad
done
[ ! -e imported ] && [ ! -e out.png ] && [ ! -e out.npy ]

# Where nothing can be written.
for bad in /proc/nowhere text.txt; do
    refused 1 "$bad" search photos --trials 1 --out $bad
    refused 1 "$bad" train m.yaml --data photos --size 8 --epochs 1 --val 0 --out $bad -q
    refused 1 "$bad" data import photos -o $bad
done
for bad in /proc/x nowhere/x empty; do
    refused 1 "$bad" augment apply --op Invert "$picture" $bad
done
refused 1 "not empty" data import photos -o photos

# Unknown options, missing and superfluous arguments: of every verb.
for verb in $(sed -n 's/^VERB(\([a-z0-9_]*\),.*/\1/p' "$source/src/cli/verbs.def"); do
    subverbs=$("$bantam" "$verb" --help | sed -n '1s/.*{\(.*\)} \.\.\.$/\1/p' | tr -d ,)
    for sub in ${subverbs:--}; do
        [ "$sub" = - ] && sub=
        # shellcheck disable=SC2086
        refused 2 "unknown option --no-such" $verb $sub --no-such
    done
    if [ -n "$subverbs" ]; then
        refused 2 "expected one of" "$verb"
        refused 2 "bantam $verb --help" "$verb" nosuchthing
    fi
done
for verb in search train eval predict worker "export c" "data info" "data import" "model info" "space info" "augment apply" "bench train"; do
    # shellcheck disable=SC2086
    refused 2 "usage: bantam $verb" $verb
done
for verb in search train eval worker front status "export c" "data info" "data import" "model info" "space info"; do
    # shellcheck disable=SC2086
    refused 2 "unexpected argument" $verb one two
done

# Numbers out of their range, or none.
for option in trials epochs size jobs threads; do
    for bad in -1 0 x 1e99 99999999999 ""; do refused 2 "--$option" search photos --budget 5s --$option "$bad"; done
done
for option in budget until max-params max-macs seed; do
    for bad in -1 x nan ""; do refused 2 "--$option" search photos --trials 1 --$option "$bad"; done
done
for option in lr epochs batch momentum weight-decay clip ema label-smoothing warmup beta2 size threads seed; do
    for bad in -1 x nan 1e99; do refused 2 "--$option" train m.yaml --data photos --$option $bad; done
done
for option in schedule optimizer decay class-weights augment subset val; do
    status=0
    "$bantam" train m.yaml --data photos --size 8 --$option nonsense >out 2>err || status=$?
    [ $status -ne 0 ] && [ $status -le 2 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] && grep -q nonsense err
done
refused 2 "--top" predict trained "$picture" --top 0
refused 2 "--input" model info m.yaml --input 0x0x0
refused 2 "--classes" space info brief --classes 0
refused 2 "--split" eval trained --data photos --split tset
refused 2 "exclude" front trained --csv --json
refused 2 "exclude" search photos --budget 5m --until 08:00
refused 2 "evolution" search photos --trials 1 --sampler evolutoin
refused 2 "avx2" search photos --trials 1 --isa avx9
refused 2 "belong together" predict trained --input x.npy
refused 2 "needs --out" train m.yaml --data photos --resume
refused 1 "no test split" eval trained --data photos --split test
refused 1 "10 outputs" train "$model" --data photos
refused 1 "'Invert'" augment apply --op Invart "$picture" out.png
refused 3 "no network of the space keeps 5: the smallest that was found takes" search photos --trials 2 --max-params 5 --size 16 --out tiny -q
