"""MNIST row by row: what an LSTM and a plain RNN of 64 units reach in five epochs, beside Keras."""

from statistics import mean

import memspan
from benchmarks.report import Figure, table
from memspan.interfaces.model import ModelSpec
from memspan.studies import experiments
from memspan.studies.mnist_rows import CELLS, LSTM_64, RNN_64, MnistRowsStudy, pictures
from memspan.tasks.mnist_rows import MnistRows

ASKED: tuple[tuple[str, ModelSpec, str], ...] = (
    ("LSTM(64)", LSTM_64, ">= .965 (Keras 3: .969)"),
    ("RNN(64)", RNN_64, ">= .94 (Keras 3: .954)"),
)


def main() -> str:
    """Test accuracies over repeats, trained as the study mnist-rows does at full scale."""
    if not isinstance(pictures().task, MnistRows):
        return "The files of MNIST are not there: let MEMSPAN_DATA name the folder that has mnist/*.gz."
    spec = experiments(MnistRowsStudy(scale="full"))[CELLS]
    figures = [
        Figure(f"{name}: test accuracy, mean of {spec.repeats}", told(model), goal) for name, model, goal in ASKED
    ]
    return table(f"MNIST rows, {spec.training.most_epochs} epochs of {spec.training.train_size} pictures", figures)


def told(model: ModelSpec) -> str:
    """The mean over repeats, and each of them."""
    spec = experiments(MnistRowsStudy(scale="full"))[CELLS].model_copy(update={"models": (model,)})
    found = [row.metrics["test_accuracy"] for row in memspan.run(spec).rows]
    return f"{mean(found):.4f} ({', '.join(f'{value:.4f}' for value in found)})"


if __name__ == "__main__":
    print(main())
