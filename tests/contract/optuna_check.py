#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""optuna_check.py STUDY.db EXPECTED.json WORK_DIR: opens a bantam study with Optuna as anybody would.

EXPECTED.json is bantam's own view: {"trials": [{"number", "state", "values", "params", "attrs"}], "front": [numbers]}.
Leaves WORK_DIR/<sampler>.db, copies on which each sampler has asked and told 20 trials.
"""
import datetime
import json
import shutil
import sqlite3
import sys
import warnings

import optuna
from optuna.trial import TrialState

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.WARNING)
study_db, expected_json, work = sys.argv[1:4]
expected = json.load(open(expected_json))


def check(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: Optuna reads {got!r}, bantam wrote {wanted!r}")


def check_reading(study):
    check("number of trials", len(study.trials), len(expected["trials"]))
    for trial, wanted in zip(study.trials, expected["trials"]):
        name = f"trial {wanted['number']}"
        check(f"{name} number", trial.number, wanted["number"])
        check(f"{name} state", trial.state.name, wanted["state"])
        values = wanted["values"] or None
        check(f"{name} values", list(trial.values) if trial.values else None, values)
        check(f"{name} params", trial.params, wanted["params"])
        check(f"{name} user attributes", trial.user_attrs, wanted["attrs"])
        age = datetime.datetime.now() - trial.datetime_start
        if not datetime.timedelta(0) <= age < datetime.timedelta(minutes=10):
            sys.exit(f"{name} started {age} ago: the time zone is wrong")
        if trial.state.is_finished() and trial.datetime_complete < trial.datetime_start:
            sys.exit(f"{name} ended before it began")
        for key, dist in trial.distributions.items():
            text = optuna.distributions.distribution_to_json(dist)
            check(f"{name} {key} stays itself", optuna.distributions.json_to_distribution(text), dist)
            if not dist._contains(dist.to_internal_repr(trial.params[key])):
                sys.exit(f"{name}: {key} = {trial.params[key]} is outside {dist}")
        if trial.state == TrialState.PRUNED:
            check(f"{name} intermediate values", trial.intermediate_values, {})
    check("the front", sorted(t.number for t in study.best_trials), sorted(expected["front"]))
    check("names of objectives", study.metric_names, ["accuracy", "params"])
    check("directions", [d.name for d in study.directions], ["MAXIMIZE", "MINIMIZE"])


def check_texts(path):
    """Distributions are stored in Optuna's own spelling, letter by letter."""
    for (text,) in sqlite3.connect(path).execute("SELECT DISTINCT distribution_json FROM trial_params"):
        dist = optuna.distributions.json_to_distribution(text)
        check("spelling of a distribution", text, optuna.distributions.distribution_to_json(dist))


def check_heartbeat(path):
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}", heartbeat_interval=60, grace_period=120)
    check("schema version", storage.get_current_version(), storage.get_head_version())
    study = optuna.load_study(study_name=None, storage=storage)
    running = [t.number for t in study.trials if t.state == TrialState.RUNNING]
    optuna.storages.fail_stale_trials(study)
    after = [t.number for t in study.trials if t.state == TrialState.RUNNING]
    check("running trials after Optuna looked for stale ones", after, running)


def ask_and_tell(name, sampler):
    path = f"{work}/{name}.db"
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{path}", sampler=sampler)
    before = len(study.trials)
    spaces = [t.distributions for t in study.trials if t.state == TrialState.COMPLETE]
    for i in range(20):
        trial = study.ask(spaces[i % len(spaces)])
        check(f"{name} number", trial.number, before + i)
        trial.set_user_attr("by", name)
        if i % 7 == 6:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, [0.3 + 0.01 * i, 1000.0 * (i + 1)])
    check(f"{name} trials", len(study.trials), before + 20)
    assert study.best_trials


def feasible(trial):
    return trial.system_attrs.get("constraints", [0.0])


def main():
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{study_db}")
    check_reading(study)
    check_texts(study_db)
    samplers = {
        "tpe": optuna.samplers.TPESampler(seed=1, n_startup_trials=5, constant_liar=True),
        "tpe-constraints": optuna.samplers.TPESampler(seed=1, n_startup_trials=5, constraints_func=feasible),
        "tpe-multivariate": optuna.samplers.TPESampler(seed=1, n_startup_trials=5, multivariate=True, group=True),
        "nsga2": optuna.samplers.NSGAIISampler(seed=1, population_size=10, constraints_func=feasible),
        "random": optuna.samplers.RandomSampler(seed=1),
    }
    shutil.copy(study_db, f"{work}/heartbeat.db")
    check_heartbeat(f"{work}/heartbeat.db")
    for name, sampler in samplers.items():
        shutil.copy(study_db, f"{work}/{name}.db")
        ask_and_tell(name, sampler)
    print(f"optuna {optuna.__version__}: {len(study.trials)} trials read, {len(samplers)} samplers went on")


main()
