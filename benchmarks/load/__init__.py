"""Many clients at once, on loopback, bounded: what a lab does to one service."""
