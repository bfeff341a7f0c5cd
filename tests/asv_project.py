"""The configuration of a small asv project; for tests only."""

__all__ = ("CONFIGURATION",)

CONFIGURATION = {
    "version": 1,
    "project": "small",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "launch_method": "spawn",
    "benchmark_dir": "benchmarks",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",
}
