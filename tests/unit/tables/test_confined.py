"""Files are read in a child process that may be lost."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import asdict

import numpy as np

from memspan.confinement import Bounds, Confined
from memspan.tables.caps import Caps
from memspan.tables.table_file import parts
from tests.unit.tables.files import npz, read


def asked(data: bytes, **options: object) -> tuple[dict[str, object], bytes]:
    """The child's answer, and the table file."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with Confined("memspan.tables.confined:begin", Bounds(), (file.fileno(),)) as child:
            question = {"do": "read", "file": file.fileno(), "options": options, "caps": asdict(Caps())}
            document = child.ask(question).document
            pieces = []
            while piece := child.ask({"do": "piece"}).payload:
                pieces.append(bytes(piece))
            return document, b"".join(pieces)


def test_a_child_reads_a_file_to_the_same_bytes() -> None:
    data = b"a,b\n" + b"1,x\n2.5,y\n" * 500_000
    document, content = asked(data)
    assert hashlib.sha256(content).digest() == hashlib.sha256(b"".join(parts(read(data)))).digest()
    assert document["description"]["rows"] == 1_000_000  # type: ignore[index]
    assert len(content) > 8 * 2**20


def test_a_child_tells_faults() -> None:
    document, content = asked(b"a\n1\nx\n3\n")
    assert document["total"] == 1
    assert document["faults"][0]["row"] == 2  # type: ignore[index]
    assert content == b""
    assert asked(npz(a=np.zeros(20_000_000)))[0]["faults"][0]["code"] == "too_large"  # type: ignore[index]


def test_options_reach_the_child() -> None:
    assert asked(b"a\n1\n2\n", types={"a": "category"})[0]["description"]["columns"][0]["type"] == "category"  # type: ignore[index]
