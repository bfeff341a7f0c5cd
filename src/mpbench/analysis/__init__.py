"""Turns results into summaries, comparisons, steps and advice; knows nothing of pages."""
