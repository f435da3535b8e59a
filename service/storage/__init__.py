"""Storage: tables and the SQL that reads and writes them. No rules here; those live in operations."""
