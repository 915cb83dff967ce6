"""The encoder's folder: where it stands, what its files say, and reading all of its weights."""
