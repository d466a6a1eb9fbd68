# A small search on real images: the promised files, an honest front, and it goes on where it stopped.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
"$program" search fashion-mnist --trials 6 --epochs 1 --subset 3000 --val 600 --max-params 20k --augment flip+crop:4 --precision auto \
    --seed 3 --out run >front 2>log
for f in study.db front.csv front.svg summary.md models/best/model.yaml models/best/weights.safetensors \
    models/smallest/result.json models/value/model.yaml; do
    [ -e "run/$f" ] || { echo "run/$f is missing"; exit 1; }
done
head -n 1 run/front.csv | grep -q '^name,params,macs,val_accuracy,test_accuracy,'
# every model of the front keeps the limit, and more parameters come with more validation accuracy, unless the front was
# filled up to three
awk -F, 'NR > 1 { if ($2 > 20000 || $5 + 0 < 0.1) exit 1; beaten += $4 + 0 < last; last = $4 + 0; n++ }
    END { exit n < 3 || (beaten && n > 3) }' run/front.csv
# test was read exactly once a model
models=$(($(wc -l <run/front.csv) - 1))
reads=$(sqlite3 run/study.db "select sum(json_array_length(value_json)) from trial_user_attributes where key = 'bantam:test_reads'")
[ "$models" = "$reads" ]
# the exported model is the one that was measured
accuracy=$("$program" eval run/models/best --data fashion-mnist --split test --json | tr ',{' '\n\n' | sed -n 's/.*"accuracy": *//p' | head -n 1)
name=$(basename "$(readlink run/models/best)")
listed=$(awk -F, -v n="$name" '$1 == n { print $5 }' run/front.csv)
awk -v a="$accuracy" -v b="$listed" 'BEGIN { d = a - b; exit d < 0 ? d < -1e-4 : d > 1e-4 }' || { echo "eval says $accuracy, front.csv $listed"; exit 1; }
# the same command with more trials goes on
"$program" search fashion-mnist --trials 8 --precision auto --out run >/dev/null 2>>log
[ "$(sqlite3 run/study.db "select count(*) from trials where state = 'COMPLETE'")" = 8 ]
# an option that contradicts the study is refused
if "$program" search fashion-mnist --trials 9 --epochs 3 --out run 2>err; then exit 1; else [ $? -eq 2 ]; fi
grep -q "epochs" err
# any image of any epoch can be seen as a trial saw it; no two trials saw the same ten images
for id in 0 1 2 3 4 5 6 7 8 9; do
    "$program" augment show --study run --trial 2 --id $id -o a$id.png
    "$program" augment show --study run --trial 3 --id $id -o b$id.png
done
"$program" augment show --study run --trial 2 --id 9 -o again.png
cmp a9.png again.png
cat a?.png >a.all
cat b?.png >b.all
if cmp -s a.all b.all; then echo "two trials saw the same"; exit 1; fi
if "$program" augment show --study run --trial 99 --id 7 -o d.png 2>err; then exit 1; fi
grep -q "no trial 99" err
if "$program" augment show --study run --trial 2 --id 7 --epoch 1 -o d.png 2>err; then exit 1; fi
grep -q "epochs 0 to 0" err
