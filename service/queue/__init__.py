"""Queue: how workers learn that something waits. A bell names no row and may be lost, late or doubled."""
