"""The agents: one process for each node of the chain."""
