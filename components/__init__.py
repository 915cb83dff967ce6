"""The parts of the pipeline: plain functions, files in and files out.

Nothing here imports Prefect, DVC or BentoML; `flows/` and `serving/` do.
"""
