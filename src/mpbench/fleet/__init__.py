"""Runs on many hosts: one at a time on each, gathered line by line."""
