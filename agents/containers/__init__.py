"""The containers agent: what happens to containers, and restarts on request."""
