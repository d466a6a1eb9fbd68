# A study made by a real search opens in Optuna: the same trials, and its best trials are our front.
[ -d /usr/share/datasets/fashion-mnist ] || { echo "dataset-fashion-mnist is not installed: skipped"; exit 77; }
python=$("$source/tests/contract/optuna_env.sh" "$(dirname "$bantam")/venv-optuna") || exit $?
program=$source/build/release/bantam
[ -x "$program" ] || program=$bantam
"$program" search fashion-mnist --trials 3 --epochs 1 --subset 1000 --val 500 --max-params 8k --seed 5 --out run >/dev/null 2>log
"$bantam" front run --json >front.json
"$python" - <<'END'
import json, warnings, optuna
warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.load_study(study_name=None, storage="sqlite:///run/study.db")
done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
front = json.load(open("front.json"))
assert front["complete"] == len(done) == 3, (front["complete"], len(done))
points = lambda trials: sorted(set(tuple(t.values) for t in trials))
ours = points(study.trials[m["trial"]] for m in front["front"])
assert ours == points(study.best_trials), (ours, points(study.best_trials))
for t in done:
    assert t.values[1] == t.user_attrs["params"] > 0 and t.user_attrs["model_yaml"], t
    assert all(c <= 0 for c in t.system_attrs["constraints"]), t
study.sampler = optuna.samplers.TPESampler(n_startup_trials=2, constant_liar=True)
study.ask(done[0].distributions)
END
