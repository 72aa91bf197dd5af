"""The entry: wg0 behind a gate, and the clients' way to the active exit."""
