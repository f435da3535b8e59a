"""Pieces: bytes that come in parts of any size, handed on in pieces of one size."""

from collections.abc import Iterable, Iterator


def in_pieces(parts: Iterable[bytes | bytearray | memoryview], most_bytes: int) -> Iterator[bytes]:
    """The bytes of some parts in pieces of ``most_bytes``, of which the last may be shorter."""
    piece = bytearray()
    for part in parts:
        view = memoryview(part)
        while len(view):
            taken = view[: most_bytes - len(piece)]
            piece += taken
            view = view[len(taken) :]
            if len(piece) == most_bytes:
                yield bytes(piece)
                piece.clear()
    if piece:
        yield bytes(piece)
