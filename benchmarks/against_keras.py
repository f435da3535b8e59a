"""Keras as its users write it: one model after another, ``fit``, validation after each epoch.

Runs in the environment of the peers: ``python -m benchmarks.against_keras`` reads workloads from standard input and
prints a line of JSON for each: seconds of an epoch with its validation, of the first epoch, which compiles, and of
``evaluate`` on 10 000 sequences.
"""

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks.workload import Workload, read

LAYER = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
EPOCHS = 3
TEST_SIZE = 10_000


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes when each epoch ended, its validation included."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())

    @property
    def epochs(self) -> list[float]:
        return [end - start for start, end in zip(self.ends, self.ends[1:], strict=False)]


def measured(load: Workload) -> dict[str, float]:
    sequence = [LAYER[load.cell](size, return_sequences=True) for size in load.sizes[:-1]]
    layers = [*sequence, LAYER[load.cell](load.sizes[-1]), keras.layers.Dense(load.outputs, activation="softmax")]
    model = keras.Sequential([keras.Input((load.length, 1)), *layers])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = latch(load.train_size + load.score_size, load.length)
    share, clock = load.score_size / len(x), Clock()
    model.fit(x, y, batch_size=load.batch, epochs=EPOCHS, validation_split=share, verbose=0, callbacks=[clock])
    test = latch(TEST_SIZE, load.length)
    model.evaluate(*test, verbose=0)
    start = time.perf_counter()
    model.evaluate(*test, verbose=0)
    test_s = time.perf_counter() - start
    return {"first_epoch_s": clock.epochs[0], "epoch_s": min(clock.epochs[1:]), "test_s": test_s}


def latch(count: int, length: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, count)
    x = 0.1 * rng.standard_normal((count, length, 1), dtype=np.float32)
    x[:, 0, 0] += 2.0 * bits - 1.0
    return x, bits


if __name__ == "__main__":
    for load in read(sys.stdin.read()):
        print(json.dumps(measured(load)), flush=True)
