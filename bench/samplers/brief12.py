"""brief12.py FOLDER SEEDS OUT: what run.sh measured on the surrogates of real networks; Markdown, and OUT/*.svg.

Quality is log10 of the hypervolume that is missing to the best front that any run has found. Trials that portfolio needs
for what others have, early stopping, and whether both surrogates order the samplers alike. summary.py has the tests.
"""
import math
import statistics
import sys

from runs import OURS, PEERS, load, quartiles, text
from scipy.stats import kendalltau

TRIALS = 120
REF = (1.0, 6.0)  # error, log10 of parameters: the worst that brief12 allows
FULL = 89         # full trials that early stopping is to match
SHOWN = {"portfolio": "#1f5fbf", "gp": "#7a3fb0", "evolution": "#2e8b57", "tpe": "#8a8a8a", "random": "#222222",
         "optuna-tpe": "#d95f02", "optuna-nsga2-20": "#c2185b", "optuna-nsga2-50": "#e6a100"}
folder, seeds, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
STOPPED = ["portfolio+asha", "portfolio+median:eta=3"]


def hypervolume(points):
    total, height = 0.0, REF[1]
    for x, y in sorted(points):
        if x < REF[0] and y < height:
            total += (REF[0] - x) * (height - y)
            height = y
    return total


def regret(run, best):
    return [math.log10(max(best - h, 1e-4)) for h in run.hv]


def reach(values, goal):
    return next((i + 1 for i, v in enumerate(values) if v >= goal), math.inf)


def count(n):
    return "never" if n == math.inf else f"{n:.0f}"


# ---- pictures ----
def band(curves):
    """Medians and quartiles where at least half of the curves go on."""
    length = sorted(len(c) for c in curves)[len(curves) // 2]
    return [quartiles([c[i] for c in curves if i < len(c)]) for i in range(length)]


def svg(path, series, x_title, title):
    """series: {name: [(x, low, mid, high)]}; y is log10 of the missing hypervolume."""
    width, height, left, top, right, bottom = 760, 420, 60, 34, 150, 44
    x_max = max(p[-1][0] for p in series.values())
    ys = [v for p in series.values() for q in p[1:] for v in q[1:]]
    low, high = min(ys), max(ys)

    def at(x, y):
        return (f"{left + (width - left - right) * x / x_max:.1f},"
                f"{top + (height - top - bottom) * (high - y) / (high - low):.1f}")

    def label(x, y, words, more=""):
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>')

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="#fff"/>']
    label(left, 20, title, 'font-size="14"')
    step = 10 ** math.floor(math.log10(x_max)) / 2
    step = step if x_max / step <= 10 else 2 * step
    for i in range(int(x_max / step) + 1):
        x, y = at(i * step, low).split(",")
        parts.append(f'<path d="M{x},{y}V{top}" stroke="#eee"/>')
        label(float(x), float(y) + 16, f"{i * step:g}", 'text-anchor="middle"')
    for e in (x / 10 for x in range(math.ceil(low * 10), math.floor(high * 10) + 1, 2)):
        x, y = at(0, e).split(",")
        parts.append(f'<path d="M{x},{y}H{width - right}" stroke="#eee"/>')
        label(left - 6, float(y) + 4, f"{10 ** e:.2g}", 'text-anchor="end"')
    label((left + width - right) / 2, height - 8, x_title, 'text-anchor="middle"')
    for row, (name, points) in enumerate(series.items()):
        colour = SHOWN.get(name, "#d95f02")
        edge = [at(x, min(h, high)) for x, _, _, h in points] + [at(x, lo) for x, lo, _, _ in reversed(points)]
        parts.append(f'<path d="M{"L".join(edge)}Z" fill="{colour}" opacity="0.13"/>')
        parts.append(f'<path d="M{"L".join(at(x, min(m, high)) for x, _, m, _ in points)}" fill="none" '
                     f'stroke="{colour}" stroke-width="1.8"/>')
        label(width - right + 10, top + 14 + 18 * row, name, f'fill="{colour}"')
    parts.append("</svg>\n")
    with open(path, "w") as f:
        f.write("\n".join(parts))


def on_grid(run, best, x_max, n=60):
    """Regret by CPU seconds, on a grid that all runs share."""
    values, grid, i = regret(run, best), [], -1
    for k in range(n + 1):
        while i + 1 < len(run.cpu) and run.cpu[i + 1] <= x_max * k / n:
            i += 1
        grid.append(values[i] if i >= 0 else None)
    return grid


# ---- tables ----
def sampler_table(runs, best):
    print("| sampler | seeds | missing after 40, log10 | after 80 | after 120 | portfolio reaches it after |")
    print("|---|---:|---|---|---|---:|")
    mine = runs["portfolio"].values()
    for s in OURS + PEERS:
        if not runs[s]:
            continue
        at = [text([regret(r, best)[min(t, len(r.hv)) - 1] for r in runs[s].values()], 2) for t in (40, 80, TRIALS)]
        goal = statistics.median(r.hv[-1] for r in runs[s].values())
        need = "" if s == "portfolio" else count(statistics.median(reach(r.hv, goal) for r in mine))
        end = len(next(iter(runs[s].values())).hv)
        note = f" (its {end})" if end != TRIALS else ""
        print(f"| {s} | {len(runs[s])} | {at[0]} | {at[1]} | {at[2]} | {need}{note} |")


def percent(x):
    return "never" if x == math.inf else f"{100 * x:.0f} %"


def early_stopping(runs, stopped):
    full = [r for r in runs["portfolio"].values() if len(r.hv) >= FULL]
    goal, cost = (statistics.median(v) for v in zip(*((r.hv[FULL - 1], r.cpu[FULL - 1]) for r in full)))
    print(f"\nThe median of {FULL} full trials costs {cost:.0f} CPU seconds. The share of it after which a search with early "
          "stopping has their hypervolume:\n")
    print("| pruner | seeds | share (quartiles) | seeds that get there |\n|---|---:|---|---:|")
    for s, those in stopped.items():
        at = [reach(r.hv, goal) for r in those.values()]
        shares = sorted(math.inf if n == math.inf else r.cpu[n - 1] / cost for n, r in zip(at, those.values()))
        if shares:
            low, mid, high = (percent(shares[round(q * (len(shares) - 1))]) for q in (0.25, 0.5, 0.75))
            print(f"| {s} | {len(shares)} | {mid} ({low} to {high}) | {sum(x < math.inf for x in shares)} |")


def pictures(problem, runs, stopped, best):
    bands = {s: band([regret(r, best)[:TRIALS] for r in runs[s].values()]) for s in SHOWN if runs[s]}
    svg(f"{out}/{problem}-trials.svg", {s: [(i + 1, *q) for i, q in enumerate(b)] for s, b in bands.items()}, "trials",
        "Hypervolume that is missing: median and quartiles over seeds")
    x_max = statistics.median(r.cpu[FULL - 1] for r in runs["portfolio"].values() if len(r.hv) >= FULL)
    series = {}
    for s, those in {"portfolio": runs["portfolio"], **stopped}.items():
        grids = [on_grid(r, best, x_max) for r in those.values()]
        points = [(x_max * k / 60, *quartiles([g[k] for g in grids])) for k in range(61)
                  if grids and all(g[k] is not None for g in grids)]
        if points:
            series[s] = points
    svg(f"{out}/{problem}-seconds.svg", series, "CPU seconds of training", "The same against CPU seconds, with early stopping")


order = {}
for problem in ("brief12", "brief12-kernel"):
    runs = {s: load(folder, problem, s, seeds) for s in OURS + PEERS}
    stopped = {s: load(folder, problem, s, seeds) for s in STOPPED}
    if not runs["portfolio"]:
        continue
    best = hypervolume({p for group in (runs, stopped) for those in group.values() for r in those.values() for p in r.points})
    print(f"\n### {problem}\n\nBest front known: hypervolume {best:.4f} (error to 1, log10 of parameters to 6).\n")
    sampler_table(runs, best)
    early_stopping(runs, stopped)
    pictures(problem, runs, stopped, best)
    order[problem] = {s: statistics.median(sum(regret(r, best)[:TRIALS]) for r in those.values())
                      for s, those in runs.items() if those}
if len(order) == 2:
    both = [s for s in order["brief12"] if s in order["brief12-kernel"]]
    a, b = ([o[s] for s in both] for o in order.values())
    print("\n### The same order of samplers on both?\n\nBy the median area under the curve, best first:\n")
    for problem, o in order.items():
        print(f"- {problem}: {', '.join(sorted(both, key=o.get))}")
    print(f"\nKendall's tau between the two orders: {kendalltau(a, b).statistic:.2f}.")
