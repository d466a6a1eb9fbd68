"""optuna_overhead.py SAMPLER TRIALS: median CPU milliseconds of ask + 60 suggests + tell in memory, on overhead.c's problem.

SAMPLER: tpe (multivariate, group), nsga2 (population 50), random. The first trials are random ones, added as they are.
"""
import random
import statistics
import sys
import time
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
name, n_trials = sys.argv[1], int(sys.argv[2])
samplers = {
    "tpe": lambda: optuna.samplers.TPESampler(seed=1, multivariate=True, group=True),
    "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=1),
    "random": lambda: optuna.samplers.RandomSampler(seed=1),
}
names = [f"x{i}" for i in range(60)]
study = optuna.create_study(directions=["maximize", "minimize"], sampler=samplers[name]())


def zdt1(x):
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return -x[0], g * (1 - (x[0] / g) ** 0.5)


rng = random.Random(1)
space = {n: optuna.distributions.FloatDistribution(0, 1) for n in names}
for _ in range(n_trials):
    x = [rng.random() for _ in names]
    study.add_trial(optuna.trial.create_trial(params=dict(zip(names, x)), distributions=space, values=zdt1(x)))
spent = []
for _ in range(15):
    start = time.process_time()
    trial = study.ask()
    x = [trial.suggest_float(n, 0, 1) for n in names]
    study.tell(trial, zdt1(x))
    spent.append(1e3 * (time.process_time() - start))
print(f"{statistics.median(spent[3:]):.3g}")
