"""Every payload that crosses the bus, by who says it."""
