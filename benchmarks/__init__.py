"""Benchmarks: how fast, beside what users would pick instead. They never pass or fail by the clock."""
