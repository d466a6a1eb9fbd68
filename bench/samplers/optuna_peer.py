"""optuna_peer.py PLAY PROBLEM SAMPLER SEED TRIALS: Optuna on a problem of `play`, over its pipes.

SAMPLER: random, tpe (multivariate, group), nsga2-20, nsga2-50. Prints play's trial lines. A point that breaks the
constraints is told as pruned, with a constraint that it violates (which TPE learns from), and asked for anew: it counts as
no trial.
"""
import subprocess
import sys
import time
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
play, problem, name, seed, n_trials = sys.argv[1:6]
seed = int(seed)


def violation(trial):
    return [trial.user_attrs.get("outside", -1.0)]


samplers = {
    "random": lambda: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constraints_func=violation),
    "nsga2-20": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=20, constraints_func=violation),
    "nsga2-50": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=50, constraints_func=violation),
}
study = optuna.create_study(directions=["minimize", "minimize"], sampler=samplers[name]())
pipe = subprocess.Popen([play, problem, "-", str(seed), n_trials], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        text=True, bufsize=1)
trial, spent = None, 0.0
for line in pipe.stdout:
    word, *rest = line.split()
    start = time.perf_counter()
    if word in ("ask", "infeasible"):
        if word == "infeasible":
            trial.set_user_attr("outside", 1.0)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        trial = study.ask()
    elif word == "choice":
        answer = trial.suggest_categorical(rest[0], list(range(int(rest[1]))))
    elif word == "float":
        lo, hi, step, log = float(rest[1]), float(rest[2]), float(rest[3]), rest[4] == "1"
        answer = trial.suggest_float(rest[0], lo, hi, step=step or None, log=log)
    elif word == "int":
        lo, hi, step, log = int(float(rest[1])), int(float(rest[2])), int(float(rest[3])), rest[4] == "1"
        answer = trial.suggest_int(rest[0], lo, hi, step=step or 1, log=log)
    elif word == "tell":
        study.tell(trial, [float(rest[1]), float(rest[2])])
        spent += time.perf_counter() - start
        print("trial", *rest[:4], f"{1e3 * spent:.3f}", "optuna-" + name, *rest[6:], flush=True)
        spent = 0.0
        continue
    spent += time.perf_counter() - start
    if word in ("choice", "float", "int"):
        pipe.stdin.write(f"{answer!r}\n")
        pipe.stdin.flush()
sys.exit(pipe.wait())
