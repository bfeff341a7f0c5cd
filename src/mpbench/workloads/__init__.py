"""The workloads: one module for each part of multiprocessing."""
