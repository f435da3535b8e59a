"""The two loops of a selective scan over one member's sequences: forwards through time, and back.

h_en <- exp(Δ_e A_en) h_en + Δ_e u_e B_n and y_e = Σ_n C_n h_en, 16 channels side by side. What the recurrence
multiplies with and adds is made where it is used, so that of (T, B, E, N) numbers nothing but the states is ever
written to memory, and that only where a backward pass will read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from memspan.engine.fused import functions
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.library import library
from memspan.engine.fused.llvm_types import FLOAT, POINTER, VECTOR, WHOLE

ALIGNMENT = 4
"""bytes; rows begin anywhere"""
SIZES = ("rows", "steps", "channels", "states", "stride")
SHOWN = ("u", "time", "rates", "into", "out", "tape")
FORWARD = (*SIZES, *SHOWN, "y")
BACKWARD = (*SIZES, *SHOWN, "sent", "carried", "sums_into", "sums_out", "d_u", "d_time", "d_rates", "d_into", "d_out")
"""what a loop is told, by name: whole numbers, then addresses.

Attributes:
    rows, steps, channels, states: B, T, E and N; E is a multiple of 16.
    stride: numbers between one step's states and the next one's: E N, or 0 where no backward pass will come.
    u, time, y, sent, d_u, d_time: (B, T, E); into, out, d_into, d_out: (B, T, N); rates, d_rates: (N, E).
    tape: states before the first step and after each, (B, T + 1, N, E), or (B, 1, N, E).
    carried: (N, E), gradients of the states; sums_into, sums_out: (N, 16).
"""


@dataclass(frozen=True)
class SelectiveKernels:
    """Compiled loops; each takes the address of its arguments. ``backward`` adds to what ``d_rates`` holds."""

    forward: Callable[[int], None]
    backward: Callable[[int], None]


@lru_cache(maxsize=1)
def selective_kernels() -> SelectiveKernels:
    """The loops, compiled once on a machine."""
    made = (forward(), backward())
    linked = library().linked(made, [each.name for each in made])
    return SelectiveKernels(*(linked[each.name] for each in made))


class _Scan:
    """A loop in the making: its arguments by name, and where numbers lie."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.code = Code(UNNAMED, [POINTER])
        told = {name: self.code.scalar(self.code.arguments[0], place, WHOLE) for place, name in enumerate(names)}
        self.rows, self.steps, self.channels, self.states, self.stride = (told[name] for name in SIZES)
        self.places = {name: self.code.build.inttoptr(told[name], POINTER) for name in names[len(SIZES) :]}
        self.each = self.code.times(self.channels, self.states)  # E N

    @contextmanager
    def row(self) -> Iterator[tuple[Any, Any]]:
        """All sequences: the number of each, and its states before the first step, which are set to 0."""
        code = self.code
        size = code.plus(code.times(self.stride, self.steps), self.each)
        with code.loop(self.rows) as row:
            tape = code.at(self.places["tape"], code.times(row, size))
            with code.loop(self.each, 0, LANES) as place:
                self.store(code.number(0), code.at(tape, place))
            yield row, tape

    def step(self, row: Any, now: Any) -> Any:
        """Which of all steps of all sequences one is."""
        return self.code.plus(self.code.times(row, self.steps), now)

    def of(self, name: str, step: Any, channel: Any) -> Any:
        """Where a channel's number of a step lies in (B, T, E)."""
        return self.code.at(self.places[name], self.code.plus(self.code.times(step, self.channels), channel))

    def shared(self, name: str, step: Any, state: Any) -> Any:
        """Where a state's number of a step lies in (B, T, N)."""
        return self.code.at(self.places[name], self.code.plus(self.code.times(step, self.states), state))

    def unit(self, state: Any, channel: Any) -> Any:
        """A state of a channel in (N, E)."""
        return self.code.plus(self.code.times(state, self.channels), channel)

    def load(self, place: Any) -> Any:
        return self.code.build.load(place, typ=VECTOR, align=ALIGNMENT)

    def store(self, value: Any, place: Any) -> None:
        self.code.build.store(value, place, align=ALIGNMENT)

    def spread(self, place: Any) -> Any:
        """A float, in all lanes."""
        return self.code.spread(self.code.build.load(place, typ=FLOAT))


def forward() -> Kernel:
    """``f(arguments)``, as ``FORWARD`` names them."""
    scan = _Scan(FORWARD)
    code, places = scan.code, scan.places
    with scan.row() as (row, tape), code.loop(scan.steps) as now:
        step = scan.step(row, now)
        before = code.at(tape, code.times(scan.stride, now))
        after = code.at(before, scan.stride)
        with code.loop(scan.channels, 0, LANES) as channel:
            time = scan.load(scan.of("time", step, channel))
            written = code.mul(time, scan.load(scan.of("u", step, channel)))
            read = code.variable(VECTOR, code.number(0))
            with code.loop(scan.states) as state:
                unit = scan.unit(state, channel)
                share = functions.exp(code, code.mul(time, scan.load(code.at(places["rates"], unit))))
                put = code.mul(written, scan.spread(scan.shared("into", step, state)))
                h = code.fma(share, scan.load(code.at(before, unit)), put)
                scan.store(h, code.at(after, unit))
                code.set(read, code.fma(h, scan.spread(scan.shared("out", step, state)), code.get(read)))
            scan.store(code.get(read), scan.of("y", step, channel))
    return kernel("selective_forward", code)


def backward() -> Kernel:
    """``f(arguments)``, as ``BACKWARD`` names them; the tape is the one of a forward pass."""
    scan = _Scan(BACKWARD)
    code = scan.code
    with scan.row() as (row, tape):
        _cleared(scan, "carried", scan.each)
        with code.loop(scan.steps) as gone:
            now = code.build.sub(code.build.sub(scan.steps, WHOLE(1)), gone)
            step = scan.step(row, now)
            for name in ("sums_into", "sums_out"):
                _cleared(scan, name, code.times(scan.states, LANES))
            with code.loop(scan.channels, 0, LANES) as channel:
                _channels_back(scan, step, code.at(tape, code.times(scan.stride, now)), channel)
            with code.loop(scan.states) as state:
                for sums, name in (("sums_into", "d_into"), ("sums_out", "d_out")):
                    total = code.total(scan.load(code.at(scan.places[sums], code.times(state, LANES))))
                    code.build.store(code.build.fptrunc(total, FLOAT), scan.shared(name, step, state))
    return kernel("selective_backward", code)


def _cleared(scan: _Scan, name: str, size: Any) -> None:
    with scan.code.loop(size, 0, LANES) as place:
        scan.store(scan.code.number(0), scan.code.at(scan.places[name], place))


def _channels_back(scan: _Scan, step: Any, before: Any, channel: Any) -> None:
    """16 channels of one step: with g = dL/dh_t, dB = Σ_e g Δ u, dC = Σ_e dy h, and what follows for u, Δ and A."""
    code, places = scan.code, scan.places
    after = code.at(before, scan.stride)
    time, u, sent = (scan.load(scan.of(name, step, channel)) for name in ("time", "u", "sent"))
    written = code.mul(time, u)
    of_time, of_written = code.variable(VECTOR, code.number(0)), code.variable(VECTOR, code.number(0))
    with code.loop(scan.states) as state:
        unit, lanes = scan.unit(state, channel), code.times(state, LANES)
        into, out = (scan.spread(scan.shared(name, step, state)) for name in ("into", "out"))
        rate = scan.load(code.at(places["rates"], unit))
        share = functions.exp(code, code.mul(time, rate))
        carried = code.at(places["carried"], unit)
        g = code.fma(sent, out, scan.load(carried))
        _added(scan, "sums_out", lanes, code.mul(sent, scan.load(code.at(after, unit))))
        _added(scan, "sums_into", lanes, code.mul(g, written))
        code.set(of_written, code.fma(g, into, code.get(of_written)))
        back = code.mul(g, share)
        scan.store(back, carried)
        moved = code.mul(back, scan.load(code.at(before, unit)))  # dL / d(Δ A)
        code.set(of_time, code.fma(moved, rate, code.get(of_time)))
        _added(scan, "d_rates", unit, code.mul(moved, time))
    scan.store(code.mul(code.get(of_written), time), scan.of("d_u", step, channel))
    scan.store(code.fma(code.get(of_written), u, code.get(of_time)), scan.of("d_time", step, channel))


def _added(scan: _Scan, name: str, offset: Any, value: Any) -> None:
    place = scan.code.at(scan.places[name], offset)
    scan.store(scan.code.add(scan.load(place), value), place)
