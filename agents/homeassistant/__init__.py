"""The agent for home automation: declares the chain to it, takes its wishes."""
