"""How large a file of a user may be, on disk and unpacked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caps:
    """What is checked while a file is read, so that no more than that is ever in memory."""

    rows: int = 5_000_000
    """rows of a table, or steps of all sequences together"""
    columns: int = 1_000
    """columns of a table, or channels of sequences"""
    bytes: int = 2**29
    """of what was understood, at eight bytes a number: 512 MiB"""
    file_bytes: int = 2**28
    """of the file itself: 256 MiB"""
    ratio: int = 200
    """how many times as large as its file an array may be that is packed in it"""
    members: int = 64
    """arrays in one file"""
    levels: int = 10_000
    """different words of a column; one with more is text, which no model can use"""
    word_bytes: int = 1_000
    """of such a word"""
    sample_bytes: int = 2**16
    """from which separator, decimal mark and header are seen"""
    faults: int = 100
    """that are told at once"""
