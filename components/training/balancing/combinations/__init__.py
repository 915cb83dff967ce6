"""Combinations of gradients, one file each; see balancing/base.py."""
