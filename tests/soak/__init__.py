"""Soak: random faults and random requests for a while; then everything ends by itself and nothing is wrong."""
