"""What may be said, and how it travels. Knows no agent."""
