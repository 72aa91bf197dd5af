"""Metrics: what the chain says, as Prometheus reads it."""
