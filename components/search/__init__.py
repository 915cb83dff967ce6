"""Searching for settings: what params.yaml declares, the study that remembers, a trial that trains.

`declared.py` and `space.py` are read with the settings and stay light; optuna and torch are imported
by `study.py` and `trial.py` alone.
"""
