"""Selftest: error rates of verdicts, measured and simulated."""
