"""Examples: specs to post, and the demonstration."""
