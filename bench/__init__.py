"""Measurements; each module runs as ``python -m bench.NAME`` from the root of the repository."""
