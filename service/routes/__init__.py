"""Routes: parse, call one operation, answer."""
