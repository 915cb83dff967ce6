"""A smaller encoder for a model that is trained: a student of fewer blocks that learns its states."""
