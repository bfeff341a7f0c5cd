"""The measuring interpreter: runs one workload at a time and answers requests."""
