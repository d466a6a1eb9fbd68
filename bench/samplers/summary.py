"""summary.py FOLDER SEEDS: the table of bench/samplers/run.sh as Markdown.

Per problem: median and quartiles of the hypervolume after 40, 80 and 120 trials; trials that the portfolio needs (median)
for what each peer has at its end; paired Wilcoxon test over seeds of the area under the hypervolume curve, portfolio
against each peer, Holm-corrected over the problems.
"""
import math
import statistics
import sys

from scipy.stats import wilcoxon

folder, seeds = sys.argv[1], int(sys.argv[2])
problems = ["arch", "zdt1", "zdt3", "dtlz2"]
ours = ["random", "qmc", "evolution", "local", "regularized", "nsga2", "tpe", "gp", "portfolio"]
peers = ["optuna-random", "optuna-nsga2-20", "optuna-nsga2-50", "optuna-tpe"]


def load(problem, sampler, seed):
    try:
        with open(f"{folder}/{problem}.{sampler}.{seed}") as f:
            rows = [line.split() for line in f if line.startswith("trial ")]
    except FileNotFoundError:
        return None
    return [float(r[4]) for r in rows], [float(r[5]) for r in rows]


def quartiles(v):
    v = sorted(v)
    if len(v) < 2:
        return f"{v[0]:.3f}"
    q = statistics.quantiles(v, n=4, method="inclusive")
    return f"{q[1]:.3f} ({q[0]:.3f}-{q[2]:.3f})"


p_values = {}
for problem in problems:
    runs = {s: {k: r for k in range(1, seeds + 1) if (r := load(problem, s, k))} for s in ours + peers}
    best = {k: r[0] for k, r in runs["portfolio"].items()}
    print(f"\n### {problem}\n")
    print("| sampler | seeds | after 40 | after 80 | after 120 | ask, ms | portfolio reaches it after |")
    print("|---|---:|---|---|---|---:|---:|")
    for s in ours + peers:
        if not runs[s]:
            continue
        n = len(runs[s])
        at = [quartiles([r[0][min(t, len(r[0])) - 1] for r in runs[s].values()]) for t in (40, 80, 120)]
        ms = statistics.median(x for r in runs[s].values() for x in r[1])
        goal = statistics.median(r[0][-1] for r in runs[s].values())
        need = [next((i + 1 for i, h in enumerate(c) if h >= goal), math.inf) for c in best.values()]
        need = statistics.median(need) if need and s != "portfolio" else ""
        need = "never" if need == math.inf else need and f"{need:.0f}"
        print(f"| {s} | {n} | {at[0]} | {at[1]} | {at[2]} | {ms:.2f} | {need} |")
        pairs = [(sum(best[k]), sum(r[0])) for k, r in runs[s].items() if k in best]
        if s != "portfolio" and len(pairs) > 5:
            p_values[problem, s] = wilcoxon([a - b for a, b in pairs], alternative="greater").pvalue

print("\n### Area under the curve: portfolio against each (paired Wilcoxon over seeds, Holm over problems)\n")
print("| sampler | " + " | ".join(problems) + " |\n|---|" + "---:|" * len(problems))
for s in ours[:-1] + peers:
    known = sorted((p_values[q, s], q) for q in problems if (q, s) in p_values)
    holm, worst = {}, 0.0
    for i, (p, q) in enumerate(known):
        worst = max(worst, min(1.0, p * (len(known) - i)))
        holm[q] = worst
    if known:
        print(f"| {s} | " + " | ".join(f"{holm[q]:.2g}" if q in holm else "" for q in problems) + " |")
