"""Tokens, once: from the rows of the contract to an Arrow file that is mapped into memory."""
