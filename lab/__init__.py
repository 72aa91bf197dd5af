"""The whole chain with providers of our own, on one machine."""
