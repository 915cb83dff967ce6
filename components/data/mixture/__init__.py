"""Which rows of which task a step draws, and the plan for a budget."""
