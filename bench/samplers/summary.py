"""summary.py FOLDER SEEDS: the tables of bench/samplers/run.sh as Markdown.

Per problem: median and quartiles of the hypervolume after 40, 80 and 120 trials; trials that the portfolio needs (median)
for what each peer has at its end; paired Wilcoxon test over seeds of the area under the hypervolume curve, portfolio
against each peer and random against portfolio, Holm-corrected over the problems.
"""
import math
import statistics
import sys

from runs import OURS, PEERS, greater, holm, load, text

TRIALS = 120
folder, seeds = sys.argv[1], int(sys.argv[2])
better, random_better = {}, {}
shown = []


def trials_needed(runs, goal):
    """Median over runs; inf where fewer than half of them get there."""
    need = [next((i + 1 for i, h in enumerate(r.hv) if h >= goal), math.inf) for r in runs]
    return statistics.median(need)


def count(n):
    return "never" if n == math.inf else f"{n:.0f}"


def area(run):
    return sum(run.hv[:TRIALS])


for problem in ["arch", "zdt1", "zdt3", "dtlz2", "brief12", "brief12-kernel"]:
    runs = {s: load(folder, problem, s, seeds) for s in OURS + PEERS}
    if not runs["portfolio"]:
        continue
    shown.append(problem)
    print(f"\n### {problem}\n")
    print("| sampler | seeds | after 40 | after 80 | after 120 | ask, ms | portfolio reaches it after |")
    print("|---|---:|---|---|---|---:|---:|")
    for s, mine in runs.items():
        if not mine:
            continue
        at = [text([r.hv[min(t, len(r.hv)) - 1] for r in mine.values()]) for t in (40, 80, TRIALS)]
        ms = statistics.median(x for r in mine.values() for x in r.ms)
        goal = statistics.median(r.hv[-1] for r in mine.values())
        need = "" if s == "portfolio" else count(trials_needed(runs["portfolio"].values(), goal))
        print(f"| {s} | {len(mine)} | {at[0]} | {at[1]} | {at[2]} | {ms:.2f} | {need} |")
        pairs = [(area(runs["portfolio"][k]), area(r)) for k, r in mine.items() if k in runs["portfolio"]]
        if s != "portfolio" and len(pairs) > 5:
            better.setdefault(s, {})[problem] = greater(pairs)
            if s in ("random", "optuna-random"):
                random_better.setdefault(s, {})[problem] = greater([(b, a) for a, b in pairs])


def p_table(title, p_values):
    print(f"\n### {title} (paired Wilcoxon over seeds, one-sided, Holm over problems)\n")
    print("| sampler | " + " | ".join(shown) + " |\n|---|" + "---:|" * len(shown))
    for s in OURS + PEERS:
        if s in p_values:
            p = holm(p_values[s])
            print(f"| {s} | " + " | ".join(f"{p[q]:.2g}" if q in p else "" for q in shown) + " |")


p_table("Area under the curve: portfolio better than each, p", better)
p_table("The same: random better than portfolio, p", random_better)
