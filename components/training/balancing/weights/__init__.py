"""Weightings of losses, one file each; see balancing/base.py."""
