# The test split reaches nothing that chooses: with permuted test labels a seeded study is byte-identical.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
mkdir a b
python3 - <<'PY'
import gzip, struct
def part(name, n):  # the first n of a split: header of 4 + 4 * dimensions bytes, then the items
    d = gzip.open(f"/usr/share/datasets/fashion-mnist/{name}.gz").read()
    head = 4 + 4 * d[3]
    size = 784 if d[3] == 3 else 1
    return d[:4] + struct.pack(">I", n) + d[8:head], d[head:head + n * size]
for name, n in ("train-images-idx3-ubyte", 4000), ("train-labels-idx1-ubyte", 4000), ("t10k-images-idx3-ubyte", 600), ("t10k-labels-idx1-ubyte", 600):
    head, items = part(name, n)
    for folder in "ab":
        reverse = folder == "b" and name == "t10k-labels-idx1-ubyte"
        open(f"{folder}/{name}", "wb").write(head + (items[::-1] if reverse else items))
PY
for x in a b; do
    (cd $x && "$program" search . --space fashion7 --trials 4 --epochs 2 --subset 2000 --val 400 --max-params 20k --jobs 1 --seed 5 --out run >/dev/null 2>log)
    # all that a trial is and gave, without clocks and the final records
    sqlite3 $x/run/study.db "select t.number, t.state, p.param_name, p.param_value from trials t join trial_params p on p.trial_id = t.trial_id order by 1, 3;
        select t.number, v.objective, v.value from trials t join trial_values v on v.trial_id = t.trial_id order by 1, 2;
        select t.number, a.key, a.value_json from trials t join trial_user_attributes a on a.trial_id = t.trial_id
        where a.key not in ('final', 'bantam:test_reads', 'bantam:used', 'worker', 'seconds', 'images_per_s', 'eval_images_per_s', 'train_s', 'eval_s', 'train_cpu_s', 'eval_cpu_s', 'setup_s', 'since_exec_s') order by 1, 2" >$x/dump
    cut -d, -f1-4 $x/run/front.csv >$x/front
done
cmp a/dump b/dump
cmp a/front b/front
# and the readings differ, so the permutation was seen where it should be
! cmp -s a/run/front.csv b/run/front.csv
