"""/studies: what is told before, while and after a study runs, to browsers and to programs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.problems import field_errors, told
from tests.contract.stage import Stage
from tests.tiny_study import VERDICTS, verdicts

START = "/studies/tiny_study/experiments"
QUICK = {"scale": "quick"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
CURL = {"Accept": "*/*"}
STUDY = {
    "kind", "title", "summary", "reference", "schema", "question", "explanation", "claims", "group", "scale", "owner",
    "state", "progress", "eta_seconds", "created_at", "started_at", "finished_at", "experiments", "links",
}  # fmt: skip
CLAIM = {
    "id", "text", "source", "metric", "direction", "threshold", "amended", "measured", "low", "high", "n", "verdict",
    "reason", "budgets",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("tiny_study")


def start(stage: Stage) -> dict[str, Any]:
    answer = stage.client.post(START, json=QUICK)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_study_has_the_agreed_fields(stage: Stage) -> None:
    (listed,) = stage.client.get("/studies").json()["items"]
    study = stage.client.get("/studies/tiny_study").json()
    assert set(listed) == STUDY
    assert set(study) == STUDY | {"parts", "groups"}
    assert all(set(claim) == CLAIM for claim in study["claims"])


def test_starting_answers_201_with_all_experiments_and_where_the_verdicts_will_stand(stage: Stage) -> None:
    before = stage.rows()
    answer = stage.client.post(START, json={"scale": "full", "seed": 3})
    body = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, body["links"]["self"])
    assert [item["study"]["part"] for item in body["items"]] == ["short", "last step", "long"]
    assert {item["spec"]["seed"] for item in body["items"]} == {3}
    assert stage.rows()["experiments"] == before["experiments"] + 3
    study = stage.client.get(answer.headers["location"]).json()
    assert (study["group"], study["scale"], study["state"]) == (body["group"], "full", "queued")
    assert study["experiments"] == [item["id"] for item in body["items"]]
    assert [item["id"] for item in stage.client.get("/experiments?study=tiny_study").json()["items"]][:3] == study[
        "experiments"
    ][::-1]
    for item in body["items"]:
        stage.client.post(f"/experiments/{item['id']}/cancel")


def test_a_study_that_has_run_is_judged(stage: Stage) -> None:
    started = start(stage)
    stage.work()
    study = stage.client.get(started["links"]["self"]).json()
    assert (study["state"], verdicts(study["claims"])) == ("succeeded", VERDICTS)
    assert [part["state"] for part in study["parts"]] == ["succeeded", "succeeded"]
    for part in study["parts"]:
        results = stage.client.get(part["links"]["results"]).json()
        assert results["claims"] == study["claims"]
        assert results["experiment"]["study"] == {
            "kind": "tiny_study", "scale": "quick", "part": part["name"], "group": study["group"],
        }  # fmt: skip


def test_a_dry_run_answers_the_plans_and_stores_nothing(stage: Stage) -> None:
    before = stage.rows()
    answer = stage.client.post(f"{START}?dry_run=true", json={"scale": "full"})
    plan = answer.json()
    assert answer.status_code == 200
    assert [item["name"] for item in plan["items"]] == ["short", "last step", "long"]
    assert {"conditions", "runs", "populations", "warnings", "spec"} <= set(plan["items"][0])
    assert (plan["scale"], plan["runs"]) == ("full", 18)
    assert plan["estimated_seconds"] > 0
    assert stage.rows() == before


def test_a_key_lets_a_study_be_started_once(stage: Stage) -> None:
    key = {"Idempotency-Key": "a tiny study".replace(" ", "-")}
    first = stage.client.post(START, json=QUICK, headers=key)
    before = stage.rows()
    second = stage.client.post(START, json=QUICK, headers=key)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["idempotency-replayed"] == "true"
    assert stage.rows() == before
    other = stage.client.post(START, json={"scale": "full"}, headers=key)
    assert field_errors(other) == {"Idempotency-Key": "key_reused"}
    for item in first.json()["items"]:
        stage.client.post(f"/experiments/{item['id']}/cancel")


def test_a_study_that_goes_beyond_a_cap_names_the_experiment(stage: Stage) -> None:
    settings = stage.app.state.settings
    stage.app.state.settings = settings.model_copy(update={"max_runs": 4})
    answer = stage.client.post(START, json=QUICK)
    stage.app.state.settings = settings
    assert field_errors(answer) == {"#/scale": "does_not_fit"}
    assert "The experiment 'short' does not fit this service" in told(answer, 422)["detail"]


def test_groups_of_other_studies_and_other_things_are_not_found(stage: Stage) -> None:
    for group in ("group-999999", "exp-1", "1", "", "group-0"):
        told(stage.client.get(f"/studies/tiny_study?group={group}"), 404)
    told(stage.client.get("/studies/nope"), 404)
    told(stage.client.post("/studies/nope/experiments", json=QUICK), 404)
    told(stage.client.post("/studies/nope/experiments?dry_run=true", json=QUICK), 404)


@pytest.mark.parametrize("path", ["/studies", "/studies/tiny_study"])
def test_a_browser_gets_a_page_and_curl_the_numbers(stage: Stage, path: str) -> None:
    page, data = stage.client.get(path, headers=BROWSER), stage.client.get(path, headers=CURL)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert data.headers["content-type"] == "application/json"
    assert {each.headers["vary"].split(", ")[0] for each in (page, data)} == {"Accept"}
    assert "Does a tiny net learn anything in two epochs?" in page.text
    forced = stage.client.get(f"{path}?format=json", headers=BROWSER)
    assert forced.headers["content-type"] == "application/json"
    assert field_errors(stage.client.get(f"{path}?format=xml")) == {"?format": "not_allowed"}
    assert stage.client.head(path, headers=BROWSER).status_code == 200


def test_a_page_shows_verdicts_and_what_a_start_would_cost(stage: Stage) -> None:
    started = start(stage)
    stage.work()
    page = stage.client.get(started["links"]["self"], headers=BROWSER).text
    assert "15 runs in 2 experiments, about" in page
    assert "18 runs in 3 experiments, about" in page
    assert 'class="badge contradicted"' in page
    results = stage.client.get(f"/results/{started['items'][0]['id']}", headers=BROWSER).text
    assert "“short” of the study" in results
    assert f"/studies/tiny_study?group={started['group']}" in results
