"""Summaries, comparisons, steps and advice, computed from results."""
