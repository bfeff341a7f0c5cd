"""Tuning: predicted settings of a program, measured against the program as it is."""
