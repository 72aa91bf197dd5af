"""The coordinator: decides who carries the traffic."""
