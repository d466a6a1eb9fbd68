# Optuna on the study of a real search: it reads and plots it and goes on with it; bantam goes on after that; a study of
# the course, made by Optuna, gives a new search its front.
. "$source/tests/support/small_data.sh"
python=$("$source/tests/contract/optuna_env.sh" "$(dirname "$bantam")/venv-optuna") || exit $?
small_data small 1000 300
search() { "$program" search small --epochs 1 --max-params 8k --seed 5 "$@"; }
count() { sqlite3 run/study.db "select count(*) from trials where state = '$1'"; }

search --trials 6 --out run >/dev/null 2>log
"$bantam" front run --json >front.json
sqlite3 run/study.db .dump >before
"$(dirname "$python")/optuna" storage upgrade --storage sqlite:///run/study.db 2>/dev/null
sqlite3 run/study.db .dump | cmp - before || { echo "optuna storage upgrade changed the study"; exit 1; }
"$python" "$source/tests/contract/optuna_go_on.py" run/study.db front.json

# 18 told by samplers, one made up, one asked for and never told, one enqueued: bantam minds its own
search --trials 30 --out run >/dev/null 2>log
[ "$(count RUNNING)" = 1 ] && [ "$(count WAITING)" = 0 ]
[ "$(count COMPLETE)" = 29 ] || { sqlite3 run/study.db "select state, count(*) from trials group by state"; exit 1; }
waited=$(sqlite3 run/study.db "select trial_id from trial_system_attributes where key = 'fixed_params' order by 1 desc limit 1")
[ "$(sqlite3 run/study.db "select param_value from trial_params where trial_id = $waited and param_name = 'm1.Conv.out'")" = 16.0 ]
[ -e run/models/best/weights.safetensors ]
"$python" - <<'END'
import optuna
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.load_study(study_name=None, storage="sqlite:///run/study.db")
assert [t.values for t in study.best_trials if t.values[0] == 0.999] == [[0.999, 10.0]]
END

# The course's names, forced strides and inactive parameters.
cat >course.yaml <<'END'
format: search-space/1
name: course
stride_budget: {max: 2, force: {m2: 0}}
blocks:
  - id: m1
    repeat: {int: [1, 3]}
    stride: {int: [1, 2]}
    module:
      Conv:   {out: {int: [16, 32, 16]}, kernel: 3, act: {choice: [ReLU, Hardswish]}}
      DWConv: {out: {int: [16, 32, 16]}, kernel: 3, act: {choice: [ReLU, Hardswish]}}
  - id: m2
    repeat: {int: [1, 2]}
    stride: {int: [1, 2]}
    module:
      Conv: {out: {int: [16, 32, 16]}, kernel: {int: [1, 3, 2]}, act: {choice: [ReLU, Hardswish]}}
      InvertedResidualv2: {out: {int: [16, 32, 16]}, expand: {int: [1, 4]}}
      InvertedResidualv3: {kernel: {int: [3, 5, 2]}, expand: {float: [1.0, 6.0, 0.1]}, out: {int: [16, 40, 8]}, se: {choice: [0, 1]}, hs: {choice: [0, 1]}}
      Pass: {}
tail:
  - [1, GlobalAvgPool, []]
  - [1, Flatten, []]
  - [1, Linear, [$classes]]
train:
  batch_size: {int: [16, 64, 16]}
END
front=$("$python" "$source/tests/contract/optuna_course.py" course.db)
"$bantam" front course.db | grep -q objective_2
"$program" search small --epochs 1 --trials "$front" --space course.yaml --from course.db --out course >/dev/null 2>log
grep -q "course.db: the $front models of its front are tried first, all fit whole" log || { cat log; exit 1; }
"$python" - "$front" <<'END'
import sys, optuna
from optuna.trial import TrialState
optuna.logging.set_verbosity(optuna.logging.WARNING)
old = optuna.load_study(study_name=None, storage="sqlite:///course.db")
new = optuna.load_study(study_name=None, storage="sqlite:///course/study.db")
same = {"m1": "m1", "m2": "m2", "m1/repeat": "m1.repeat", "m1/stride": "m1.stride", "m2/v3_t": "m2.InvertedResidualv3.expand",
        "m2/v3_c": "m2.InvertedResidualv3.out", "m2/v3_se": "m2.InvertedResidualv3.se", "m2/v3_hs": "m2.InvertedResidualv3.hs",
        "m2/v2_c": "m2.InvertedResidualv2.out", "m2/v2_t": "m2.InvertedResidualv2.expand", "batch_size": "train.batch_size"}
assert len(new.trials) == int(sys.argv[1])
for t in new.trials:
    was = old.trials[t.user_attrs["from"]["trial"]].params
    if t.state == TrialState.FAIL:  # two of the old ones may be one network: inactive parameters differed
        assert "tried before" in t.user_attrs["error"], t
        continue
    assert t.state == TrialState.COMPLETE
    for name, value in was.items():
        if name in same and same[name] in t.params:
            assert t.params[same[name]] == value, (name, value, t.params)
    assert t.params[f"m1.{was['m1']}.act"] == was["m1/activation"]
    assert "m2.stride" not in t.params or was["m1/stride"] == 2  # forced: no parameter
    assert was["m2"] != "Pass" or "m2.repeat" not in t.params
END
