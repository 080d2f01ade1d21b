"""Benchmark: baselines, controls and exact scores."""
