"""Benchmarks: every script runs by itself, ``python -m benchmarks.NAME``; `rig` is what they stand on."""
