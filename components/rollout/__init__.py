"""How a running service changes to another release: the plan, what is counted, and when it falls back."""
