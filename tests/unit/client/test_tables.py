"""Results in a terminal."""

import io
import re
from typing import Any

from rich.console import Console

import memspan
from examples.demo import meaning
from memspan.interfaces.json_numbers import jsonable
from service.client.following import round_words
from service.client.tables import tables
from service.client.verdicts import claims, overview
from tests.unit.pages.study import CLAIMS, STUDY, claim, unrun

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "mlp", "hidden_size": 2}, {"kind": "rnn", "hidden_size": 1}],
    "lengths": [2, 4, 8],
    "training": {"train_size": 64, "validation_size": 16, "test_size": 32, "epochs": 1},
    "repeats": 2,
    "probes": [{"kind": "change", "index": 0, "percent": -200}, {"kind": "change", "index": -1, "percent": -200}],
}


def shown(results: Any) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(tables(results))
    return console.export_text()


def test_tables_show_scores_spans_and_probes_within_eighty_columns() -> None:
    results = jsonable(memspan.run(SPEC).document)
    text = shown(results)
    assert "test accuracy, mean over repeats with 95 % interval" in " ".join(text.split())
    assert "Memory span" in text
    assert "Probe change step 0 by -200 %" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_changed_token_is_told_without_percent() -> None:
    task = {"kind": "recall", "pairs": 1, "vocabulary": 8}
    spec = {**SPEC, "tasks": [task], "models": [{"kind": "rnn", "hidden_size": 2}], "lengths": [4]}
    text = shown(jsonable(memspan.run({**spec, "probes": [{"kind": "change"}]}).document))
    assert "Probe change step 0 to another token: relevant change (%)" in " ".join(text.split())


def test_an_experiment_without_a_finished_run_shows_dashes() -> None:
    document = jsonable(memspan.run({**SPEC, "probes": []}).document)
    empty = [{**condition, "metrics": {}} for condition in document["conditions"]]
    assert "–" in shown({**document, "conditions": empty, "spans": []})


def test_the_demonstration_says_what_its_numbers_mean() -> None:
    sentence = meaning(jsonable(memspan.run(SPEC).document))
    assert "half of the trained networks hold the bit" in sentence
    assert "At length 8" in sentence


def test_the_reasons_of_failed_runs_are_told() -> None:
    document = jsonable(memspan.run({**SPEC, "probes": []}).document)
    failed = [{"reason": "timeout", "detail": "It used up [its] time.", "count": 6}]
    assert "6 runs: timeout — It used up [its] time." in shown({**document, "failures": failed})
    nameless = [{"reason": None, "detail": None, "count": 1}]
    assert "1 run: failed" in shown({**document, "failures": nameless})


def test_a_span_beyond_the_tested_lengths_has_an_open_end() -> None:
    document = jsonable(memspan.run({**SPEC, "probes": []}).document)
    spans = [
        {**document["spans"][0], "span": 8.0, "low": 3.0, "high": 8.0, "censored": "above"},
        {**document["spans"][1], "span": 2.0, "low": 2.0, "high": 2.0, "censored": "below"},
    ]
    text = shown({**document, "spans": spans})
    assert "3 to > 8" in text
    assert "< 2" in text
    assert "2 to 2" not in text


def test_an_unfinished_classification_is_already_called_accuracy() -> None:
    document = jsonable(memspan.run({**SPEC, "probes": []}).document)
    empty = [{**condition, "metrics": {}} for condition in document["conditions"]]
    assert "test accuracy, mean" in " ".join(shown({**document, "conditions": empty, "spans": []}).split())


def test_a_curve_shows_what_it_comes_to_and_models_without_a_number_show_a_dash() -> None:
    probes = [{"kind": "occlusion", "sequences": 10}, {"kind": "weight_gradient", "batch_size": 4, "batches": 2}]
    document = jsonable(memspan.run({**SPEC, "lengths": [4], "probes": probes}).document)
    text = " ".join(shown(document).split())
    assert "Probe occlusion: auc length mlp rnn" in text
    assert "auc low" not in text
    assert re.search(r"layer0\.recurrent\.h \(nats / weight\) length mlp rnn ─+ 4 – \S+ \(", text)


def test_claims_stay_within_eighty_columns_whatever_was_measured() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    huge = claim("huge", "inconclusive", measured=3643290432751.2, low=1.672e9, high=6.65e13, reason="It straddles it.")
    console.print(claims({"claims": [*CLAIMS, huge]}))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "3.6e+12" in text
    assert "6.6e+13" in text
    assert "It straddles it." in text
    assert "straddles the" in text, "nothing is cut"


def test_a_claim_that_was_changed_says_so() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    change = {"date": "2026-11-21", "field": "metric", "before": "share of seeds", "reason": "Seeds are no repeats."}
    console.print(claims({"claims": [claim("c", "supported", amended=[change])]}))
    assert "amended 2026-11-21: metric" in " ".join(console.export_text().split())


def test_a_claim_says_after_which_training_it_was_measured() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    budgets = [{"optimizer": "adam", "learning_rate": 0.001, "steps": 2500}]
    console.print(claims({"claims": [claim("c", "supported", budgets=budgets)]}))
    assert "after 2,500 steps of Adam at 0.001" in " ".join(console.export_text().split())


def test_studies_are_listed_with_their_newest_verdicts() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(overview([STUDY, unrun()]))
    text = " ".join(console.export_text().split())
    assert "1 supported, 1 contradicted, 3" in text
    assert "not run yet" in text


def test_what_a_length_search_took_is_a_table_and_a_round_a_sentence() -> None:
    spec = {**SPEC, "lengths": {"search": {"low": 2, "high": 20}}, "probes": []}
    text = shown(jsonable(memspan.run(spec).document))
    assert "Length search: what each span took" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    scores = text[: text.index("Memory span")].splitlines()
    lengths = [int(line.split()[0]) for line in scores if line.strip()[:1].isdigit()]
    assert lengths == sorted(lengths)
    body = {"task": "latch", "model": "rnn", "round": 2, "lengths": [4, 7], "repeats": [1, 3]}
    assert round_words(body) == "latch, rnn: round 2 asks for 1 x length 4, 3 x length 7"


def test_what_follows_a_choice_is_told_with_it() -> None:
    body = {
        "task": "latch", "model": "rnn", "round": 1, "lengths": [4], "repeats": [10],
        "setting": {"learning_rate": 0.003, "clip_norm": 1.0},
    }  # fmt: skip
    expected = "latch, rnn: round 1 asks for 10 x length 4 by the chosen learning_rate 0.003, clip_norm 1"
    assert round_words(body) == expected
