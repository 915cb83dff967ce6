"""Estimates from answers that nobody has judged: how frequent each label truly is, how many are right."""
