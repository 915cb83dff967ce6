"""The same test rows for model, champion and baselines; the gate, the summary and the page."""
