"""Reading what bench/samplers/run.sh left, and the statistics that its summaries share."""
import os
import statistics

from scipy.stats import wilcoxon

OURS = ["random", "qmc", "evolution", "local", "regularized", "nsga2", "tpe", "gp", "portfolio"]
PEERS = ["optuna-random", "optuna-nsga2-20", "optuna-nsga2-50", "optuna-tpe"]


class Run:
    """hv, ms, cpu: a value a trial; points: (objective 1 without noise, objective 2)."""

    def __init__(self, path):
        with open(path) as f:
            rows = [line.split() for line in f if line.startswith("trial ")]
        self.hv = [float(r[4]) for r in rows]
        self.ms = [float(r[5]) for r in rows]
        self.cpu = [float(r[7]) for r in rows]
        self.points = [(float(r[8]), float(r[3])) for r in rows]


def load(folder, problem, sampler, seeds):
    """The runs that are there, by seed."""
    paths = {k: f"{folder}/{problem}.{sampler}.{k}" for k in range(1, seeds + 1)}
    return {k: Run(p) for k, p in paths.items() if os.path.exists(p)}


def quartiles(v):
    v = sorted(v)
    return (v[0], v[0], v[0]) if len(v) < 2 else tuple(statistics.quantiles(v, n=4, method="inclusive"))


def text(v, digits=3):
    low, mid, high = quartiles(v)
    return f"{mid:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})" if low != high else f"{mid:.{digits}f}"


def greater(pairs):
    """p of a paired one-sided Wilcoxon test: the first of each pair is the greater one."""
    differences = [a - b for a, b in pairs]
    return wilcoxon(differences, alternative="greater").pvalue if any(differences) else 1.0


def holm(p_values):
    """{name: p} corrected for their number (Holm 1979)."""
    corrected, worst = {}, 0.0
    for i, (p, name) in enumerate(sorted((p, name) for name, p in p_values.items())):
        worst = max(worst, min(1.0, p * (len(p_values) - i)))
        corrected[name] = worst
    return corrected
