"""A smaller encoder for a model that is trained, of fewer blocks or narrower ones, that learns its states."""
