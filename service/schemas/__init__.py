"""Schemas: what clients send beside specs, and what they are answered."""
