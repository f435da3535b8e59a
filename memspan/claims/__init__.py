"""Claims: what a study claims, what was measured, and the verdict. Computed from stored rows only."""
