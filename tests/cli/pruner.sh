# --pruner asha: poor trials stop at a rung, keep their curve where Optuna bears it, and are told.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
command -v sqlite3 >/dev/null || { echo "no sqlite3: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
status=0; "$bantam" search fashion-mnist --pruner ahsa --budget 9s --out x 2>err || status=$?
[ $status != 0 ] && [ "$(wc -l <err)" = 1 ] && grep -q "did you mean 'asha'" err
"$program" search fashion-mnist --budget 60s --trials 12 --epochs 3 --subset 1500 --val 500 --max-params 12k --jobs 1 --pruner asha --seed 3 --out run 2>log || { cat log; exit 1; }
query() { sqlite3 run/study.db "$1"; }
pruned=$(query "select count(*) from trials where state='PRUNED'")
[ "$pruned" -ge 1 ] || { echo "no trial was stopped early"; exit 1; }
[ "$(query "select count(*) from trials where state='COMPLETE'")" -ge 3 ]
[ "$(query "select count(*) from trial_intermediate_values v join trials t using (trial_id) where t.state='PRUNED'")" = 0 ]
[ "$(query "select count(*) from trial_user_attributes a join trials t using (trial_id) where t.state='PRUNED' and key='bantam:curve'")" = "$pruned" ]
"$bantam" status run | grep -q "$pruned stopped early"
"$bantam" front run | grep -q parameters
