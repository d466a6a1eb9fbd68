#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""optuna_course.py STUDY.db: a study as the course's tune.py leaves it: its names, three objectives, MOTPE's habits.

Inactive parameters are sampled, strides are recorded before they are forced (model-format.md 3).
"""
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(study_name="automl101", storage=f"sqlite:///{sys.argv[1]}",
                            directions=["maximize", "minimize", "minimize"],
                            sampler=optuna.samplers.RandomSampler(seed=3))


def objective(trial):
    trial.suggest_categorical("m1", ["Conv", "DWConv"])
    trial.suggest_int("m1/repeat", 1, 3)
    trial.suggest_int("m1/stride", 1, 2)
    trial.suggest_int("m1/out_channels", 16, 32, step=16)
    trial.suggest_categorical("m1/activation", ["ReLU", "Hardswish"])
    m2 = trial.suggest_categorical("m2", ["Conv", "InvertedResidualv2", "InvertedResidualv3", "Pass"])
    trial.suggest_int("m2/repeat", 1, 2)
    trial.suggest_int("m2/stride", 1, 2)
    trial.suggest_int("m2/out_channels", 16, 32, step=16)
    if m2 == "Conv":
        trial.suggest_int("m2/kernel_size", 1, 3, step=2)
        trial.suggest_categorical("m2/activation", ["ReLU", "Hardswish"])
    if m2 == "InvertedResidualv3":
        trial.suggest_int("m2/kernel_size", 3, 5, step=2)
        trial.suggest_float("m2/v3_t", 1.0, 6.0, step=0.1)
        trial.suggest_int("m2/v3_c", 16, 40, step=8)
        trial.suggest_categorical("m2/v3_se", [0, 1])
        trial.suggest_categorical("m2/v3_hs", [0, 1])
    if m2 == "InvertedResidualv2":
        trial.suggest_int("m2/v2_c", 16, 32, step=16)
        trial.suggest_int("m2/v2_t", 1, 4)
    trial.suggest_int("batch_size", 16, 64, step=16)
    n = trial.number
    return 0.3 + 0.02 * (n % 11), 1000.0 * (1 + (n * 7) % 13), 1.0 + (n * 5) % 7


study.optimize(objective, n_trials=24)
print(len(study.best_trials))
