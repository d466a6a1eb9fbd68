#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""optuna_go_on.py STUDY.db FRONT.json: uses the study of a real search as people do: reads, plots, goes on with it.

Leaves in the study: trials of TPE and NSGA-II with made-up values, one enqueued trial (the default of nothing: what it
leaves open is drawn), one that was asked for and never told.
"""
import json
import sys
import warnings

import optuna
from optuna.trial import TrialState

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.WARNING)
study_db, front_json = sys.argv[1:3]
storage = f"sqlite:///{study_db}"


def points(trials):
    return sorted(set(tuple(t.values) for t in trials))


def check_reading(study, front):
    done = study.get_trials(states=[TrialState.COMPLETE])
    assert front["complete"] == len(done), (front["complete"], len(done))
    ours = points(study.trials[m["trial"]] for m in front["front"])
    assert ours == points(study.best_trials), (ours, points(study.best_trials))
    assert study.metric_names == [o["metric"] for o in front["objectives"]]
    for t in done:
        assert t.values[1] == t.user_attrs["params"] > 0 and t.user_attrs["model_yaml"], t
        assert all(c <= 0 for c in t.system_attrs["constraints"]), t
        assert len(t.user_attrs["data_key"]) == 32, t
    return done


def check_plots(study, n_done):
    try:
        import plotly  # noqa: F401
    except ImportError:
        print("plotly is not installed: plots are not drawn")
        return
    figure = optuna.visualization.plot_pareto_front(study)
    assert sum(len(trace.x) for trace in figure.data) == n_done, figure
    assert figure.layout.xaxis.title.text == "accuracy", figure.layout.xaxis.title.text
    for objective in range(2):
        history = optuna.visualization.plot_optimization_history(study, target=lambda t: t.values[objective])
        assert len(history.data[0].x) >= n_done
    optuna.visualization.plot_slice(study, target=lambda t: t.values[0])


def go_on(done):
    feasible = lambda t: t.system_attrs.get("constraints", [0.0])  # noqa: E731
    samplers = [optuna.samplers.TPESampler(seed=1, n_startup_trials=2, constant_liar=True),
                optuna.samplers.NSGAIISampler(seed=1, population_size=4),
                optuna.samplers.NSGAIISampler(seed=2, population_size=4, constraints_func=feasible)]
    for sampler in samplers:
        study = optuna.load_study(study_name=None, storage=storage, sampler=sampler)
        for i in range(6):
            trial = study.ask(done[i % len(done)].distributions)
            study.tell(trial, [0.2 + 0.01 * i, 5000.0 + i])
    study.tell(study.ask(), [0.999, 10.0])  # beats every real model
    study.enqueue_trial({"m1.Conv.out": 16, "not.of.this.space": 3})
    study.ask(done[0].distributions)  # takes the enqueued one, as Optuna's own workers would ...
    study.enqueue_trial({"m1.Conv.out": 16})  # ... this one is for bantam
    assert study.trials[-1].state == TrialState.WAITING and study.trials[-2].state == TrialState.RUNNING


def main():
    study = optuna.load_study(study_name=None, storage=storage)
    done = check_reading(study, json.load(open(front_json)))
    check_plots(study, len(done))
    go_on(done)
    print(f"optuna {optuna.__version__}: read, plotted, gone on with")


main()
