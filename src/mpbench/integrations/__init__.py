"""Other tools' front ends and formats: asv, pytest-benchmark, pyperf."""
