"""One time step through 50-100-150-100-50: a stack of LSTMs, and of dense layers, against torch's own, eager."""

import torch
from torch import Tensor, nn

from benchmarks.feedforward import BATCH, CASES, WIDTHS, Case, rows
from benchmarks.goal import judged

FEATURES = 10


class Lstms(nn.Module):
    """Layers of torch's LSTM over one step."""

    def __init__(self) -> None:
        super().__init__()
        sizes = zip((FEATURES, *WIDTHS), WIDTHS, strict=False)
        self.layers = nn.ModuleList(nn.LSTM(below, size, batch_first=True) for below, size in sizes)
        self.read_out = nn.Linear(WIDTHS[-1], 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x, _ = layer(x)
        answer: Tensor = self.read_out(x[:, -1])
        return answer


LSTM_CASE = Case(
    "LSTM 50-100-150-100-50, one step of 10 features", {"kind": "lstm", "hidden_size": WIDTHS}, {"kind": "regression"},
    None, Lstms, (">= 1.0x", ">= 2x"),
)  # fmt: skip


def main(quick: bool = False) -> str:
    """Milliseconds of an optimiser step of one run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        cases = (LSTM_CASE,) if quick else (LSTM_CASE, CASES[0])
        figures = [figure for case in cases for figure in rows(case)]
    finally:
        torch.set_num_threads(before)
    return judged(f"One-step stacks, one optimiser step of batch {BATCH}, one core", figures, quick)


if __name__ == "__main__":
    print(main())
