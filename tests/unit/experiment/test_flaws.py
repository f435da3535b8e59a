"""What is wrong with a spec, all at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memspan.experiment.flaw import Flaw
from memspan.experiment.flaws import flaws
from memspan.experiment.spec import EXAMPLE, ExperimentSpec
from memspan.interfaces.limits import Limits

SMALL: dict[str, Any] = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn"}], "lengths": [5, 10]}

USUAL = Limits()


def spec(**changes: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate_json(json.dumps(SMALL | changes), strict=True)


def found(limits: Limits = USUAL, **changes: Any) -> dict[str, str]:
    """The code of each flaw by its path."""
    listed = flaws(spec(**changes), limits)
    assert all(flaw.message.endswith(".") for flaw in listed)
    by_path = {".".join(map(str, flaw.path)): flaw.code for flaw in listed}
    assert len(by_path) == len(listed), "a field is complained about once"
    return by_path


def test_a_sound_spec_has_none() -> None:
    assert found() == {}
    assert flaws(ExperimentSpec.model_validate_json(json.dumps(EXAMPLE), strict=True), Limits()) == []


TWICE: dict[str, list[dict[str, Any]]] = {
    "tasks": [{"kind": "latch"}, {"kind": "first_last"}, {"kind": "latch", "noise": 0.1}],
    "models": [{"kind": "rnn"}, {"kind": "lstm"}, {"kind": "rnn", "activation": "tanh"}],
    "probes": [{"kind": "change"}, {"kind": "change", "index": 1}, {"kind": "change", "percent": 50}],
}


@pytest.mark.parametrize("field", TWICE)
def test_a_part_given_twice_is_pointed_at(field: str) -> None:
    assert {".".join(map(str, flaw.path)): flaw.code for flaw in flaws(spec(**{field: TWICE[field]}), USUAL)} == {
        f"{field}.2": "duplicate"
    }


def test_a_task_with_a_length_needs_lengths_and_long_enough_ones() -> None:
    assert found(lengths=None) == {"lengths": "missing"}
    assert found(lengths=[1, 5]) == {"lengths": "out_of_range"}
    assert found(lengths={"log": {"low": 1, "high": 9, "count": 3}}) == {"lengths.log.low": "out_of_range"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"repeats": 1_000, "lengths": list(range(2, 120))}, "repeats"),
     ({"repeats": 101, "lengths": {"log": {"low": 2, "high": 9_000, "count": 1_000}},
       "models": [{"kind": "mlp", "hidden_size": n} for n in range(1, 200)]}, "lengths"),
     ({"repeats": 10, "lengths": [2], "models": [{"kind": "mlp", "hidden_size": n} for n in range(1, 257)],
       "tasks": [{"kind": "latch", "noise": n} for n in range(50)]}, "models")],
)  # fmt: skip
def test_a_grid_that_is_too_large_points_at_its_largest_factor(changes: dict[str, Any], field: str) -> None:
    assert found(**changes).get(field) == "grid_too_large"


def test_the_cap_on_runs_is_inclusive_and_its_message_names_the_factors() -> None:
    assert found(Limits(runs=10), repeats=5) == {}
    (flaw,) = flaws(spec(repeats=6), Limits(runs=10))
    message = "The grid has 12 runs (6 repeats x 2 lengths x 1 models x 1 tasks); at most 10 are allowed."
    assert flaw == Flaw(("repeats",), "grid_too_large", message, 6)


def test_data_sets_must_fit() -> None:
    sizes = {"train_size": 1_000_000, "test_size": 1_000_000}
    assert found(lengths=[300], training=sizes) == {
        "training.train_size": "data_too_large",
        "training.test_size": "data_too_large",
    }
    assert found(lengths=[200], training=sizes) == {}


def test_sets_of_their_own_count_once_for_each_repeat_of_a_stack() -> None:
    own = {"train_size": 100_000, "data": "per_repeat"}
    assert found(lengths=[100], repeats=100, training=own) == {"training.train_size": "data_too_large"}
    assert found(lengths=[100], repeats=20, training=own) == {}
    assert found(lengths=[100], repeats=100, training=own | {"data": "fixed"}) == {}


def test_a_network_must_fit() -> None:
    models = [{"kind": "rnn"}, {"kind": "lstm", "hidden_size": [4_096, 4_096]}, {"kind": "mlp"}]
    assert found(models=models) == {"models.1": "network_too_large"}


def test_a_training_step_must_fit_and_says_which_model_is_at_fault() -> None:
    large = {
        "lengths": [10_000],
        "training": {"batch_size": 65_536, "train_size": 20_000, "validation_size": 10, "test_size": 10},
    }
    (flaw,) = flaws(spec(models=[{"kind": "cnn"}, {"kind": "lstm", "hidden_size": 64}], **large), Limits())
    assert (flaw.path, flaw.code) == (("training", "batch_size"), "step_too_large")
    assert "models[1]" in flaw.message


def test_the_published_sizes_of_all_studies_are_allowed() -> None:
    one_unit = [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}]
    mnist_like = {"batch_size": 128, "train_size": 60_000}
    assert found(models=[{"kind": "lstm", "hidden_size": 128}], lengths=[784], training=mnist_like) == {}
    assert found(models=one_unit, lengths=[200, 1_000], repeats=30) == {}


@pytest.mark.parametrize("index", [5, -6, 10_000])
def test_a_probe_s_step_must_lie_inside_the_shortest_length(index: int) -> None:
    assert found(probes=[{"kind": "change"}, {"kind": "change", "index": index}]) == {"probes.1.index": "out_of_range"}


@pytest.mark.parametrize("index", [4, -5, 0, -1])
def test_a_probe_s_step_inside_the_shortest_length_is_fine(index: int) -> None:
    assert found(probes=[{"kind": "change", "index": index}]) == {}


def test_a_probe_must_apply_to_every_task_and_length() -> None:
    assert found(probes=[{"kind": "blinding"}]) == {"probes.0": "does_not_apply"}
    regression = [{"kind": "first_last"}]
    assert found(tasks=regression, probes=[{"kind": "blinding"}]) == {}
    clash = {"kind": "blinding", "index_off": 4, "index_on": -6}  # the same step of ten, and of no shorter sequence
    assert found(tasks=regression, lengths=[6, 10], probes=[clash]) == {"probes.0": "does_not_apply"}


@pytest.mark.parametrize(
    ("kinds", "solved_if", "wrong"),
    [(["latch"], {"metric": "test_accuracy", "at_least": 0.9}, set()),
     (["first_last"], {"metric": "test_loss", "at_most_share_of_variance": 0.1}, set()),
     (["latch", "first_last"], {"metric": "test_loss", "at_most": 0.1}, set()),
     (["first_last"], {"metric": "test_accuracy", "at_least": 0.9}, {"metric"}),
     (["latch", "first_last"], {"metric": "train_accuracy", "at_least": 0.9}, {"metric"}),
     (["latch"], {"metric": "test_loss", "at_most_share_of_variance": 0.1}, {"at_most_share_of_variance"}),
     (["binary_addition", "copy"], {"metric": "test_exact", "at_least": 0.9}, set()),
     (["binary_addition", "latch"], {"metric": "test_exact", "at_least": 0.9}, {"metric"}),
     (["first_last"], {"metric": "test_exact", "at_least": 0.9}, {"metric"}),
     (["latch", "first_last"], {"metric": "test_accuracy", "at_most_share_of_variance": 0.1},
      {"metric", "at_most_share_of_variance"})],
)  # fmt: skip
def test_success_must_be_measured_by_what_every_task_has(
    kinds: list[str], solved_if: dict[str, Any], wrong: set[str]
) -> None:
    changes = {"tasks": [{"kind": kind} for kind in kinds], "report": {"solved_if": solved_if}}
    assert found(**changes) == {f"report.solved_if.{name}": "does_not_apply" for name in wrong}


def test_everything_wrong_is_told_at_once() -> None:
    assert found(
        models=[{"kind": "rnn"}, {"kind": "rnn"}, {"kind": "rnn", "hidden_size": [4_096] * 8}],
        probes=[{"kind": "change", "index": 99}, {"kind": "blinding"}],
        lengths=[8, 10_000],
        repeats=1_000,
        training={"train_size": 1_000_000, "batch_size": 65_536},
    ) == {
        "models.1": "duplicate",
        "models.2": "network_too_large",
        "probes.0.index": "out_of_range",
        "probes.1": "does_not_apply",
        "training.train_size": "data_too_large",
        "training.batch_size": "step_too_large",
    }
    assert found(Limits(runs=10), lengths=None, models=[{"kind": "rnn"}, {"kind": "rnn"}], repeats=20) == {
        "models.1": "duplicate", "lengths": "missing", "repeats": "grid_too_large",
    }  # fmt: skip


def test_the_absurd_is_refused_without_being_built() -> None:
    """Networks of billions of weights and grids of millions of runs are counted: any allocation of them would fail."""
    absurd = spec(
        models=[{"kind": "lstm", "hidden_size": [4_096] * 16}, {"kind": "mlp", "hidden_size": [4_096] * 16}],
        lengths={"log": {"low": 2, "high": 10_000, "count": 1_000}}, repeats=1_000,
        training={"batch_size": 65_536, "epochs": 100_000, "train_size": 1_000_000, "test_size": 1_000_000},
    )  # fmt: skip
    codes = {flaw.code for flaw in flaws(absurd, Limits())}
    assert codes == {"grid_too_large", "network_too_large", "data_too_large", "step_too_large"}
