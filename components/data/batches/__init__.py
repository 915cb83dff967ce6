"""Which rows a step takes, packed into micro-batches of tokens, and their tensors."""
