"""A smaller encoder for a model that is trained: ways, a file each, found by their name."""
