"""What a confined child may take."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Bounds:
    """Limits of a child; all but ``seconds`` and ``answer_bytes`` are kept by the operating system.

    Attributes:
        memory_bytes: of its address space. numpy alone takes 200 MB of it to be imported.
        seconds: that an answer may take, as the parent's clock counts them.
        processor_seconds: that an answer may take of the processor.
        answer_bytes: of one answer, most that the parent reads.
        descriptors: files that may be open at once.
    """

    memory_bytes: int = 3072 * MEBIBYTE
    seconds: float = 60.0
    processor_seconds: int = 60
    answer_bytes: int = 256 * MEBIBYTE
    descriptors: int = 32

    def document(self) -> dict[str, float]:
        """As the child is told."""
        return asdict(self)
