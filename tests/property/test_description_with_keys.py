"""Generated requests to an application that asks for keys: each with a key of every scope, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis.generation import GenerationMode

from service.middleware.scopes import NEEDED, UNLOCKED
from service.operations import keys
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from service.scopes import Scope
from tests.contract.stage import LATCH, staged
from tests.property.conftest import Ground, ids_of
from tests.property.test_description import CASES, CHECKS, EXAMPLES, OPERATIONS, send

FEW = 1
"""examples of each operation in every run of the tests; ``EXAMPLES`` of each operation and mode in the long ones"""
SOUND = [(label, mode) for label, mode in CASES if mode.is_positive]
WITHOUT = None
BEARERS: tuple[Scope | None, ...] = (WITHOUT, *Scope)


@dataclass
class Lab:
    """A ground with keys."""

    ground: Ground
    secrets: dict[Scope, str] = field(default_factory=dict)
    made: int = 0

    def headers(self, scope: Scope | None) -> dict[str, str]:
        """Those that show the key of a scope."""
        return {} if scope is WITHOUT else {"Authorization": f"Bearer {self.secrets[scope]}"}

    def renew(self) -> None:
        """New keys in the place of those that a generated request has revoked."""
        for scope in Scope:
            if scope not in self.secrets or self._ask(scope) == 401:
                self.secrets[scope] = self._made(scope)

    def _ask(self, scope: Scope) -> int:
        return self.ground.stage.client.get("/tasks", headers=self.headers(scope)).status_code

    def _made(self, scope: Scope) -> str:
        stage = self.ground.stage
        self.made += 1
        asked = KeyRequest.model_validate({"name": f"{scope}-{self.made}", "scope": scope})
        made = keys.create(stage.context.database, asked, ANYBODY, over_http=False)
        stage.app.state.keyring.forget()
        return made.secret


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An application with a finished experiment, which asks for keys."""
    with staged(tmp_path_factory.mktemp("lab")) as stage:
        yield Lab(Ground(stage, ids_of(stage, stage.finish(LATCH))))


def hold_all(lab: Lab, label: str, mode: GenerationMode, examples: int) -> None:
    """Generated requests of an operation, each sent by everybody, from nobody to an admin."""
    there = next((name for start, name in lab.ground.ids.items() if start in label), None)
    lab.renew()

    @settings(max_examples=examples)
    @given(OPERATIONS[label].as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case) -> None:
        if there is not None:
            case.path_parameters["id"] = there
        for scope in BEARERS:
            ask(lab, label, case, scope)

    hold()


def ask(lab: Lab, label: str, case: schemathesis.Case, scope: Scope | None) -> None:
    """One request with one key: a declared answer, and the one that the scope allows."""
    kept = {name: value for name, value in case.headers.items() if name.lower() != "authorization"}
    case.headers = {**kept, **lab.headers(scope)}
    lab.ground.stage.app.state.rate_limits.forget()
    answer = send(case, lab.ground)
    case.validate_response(answer, checks=CHECKS)
    method, _, path = label.partition(" ")
    if path in UNLOCKED:
        return
    needed = NEEDED[method, path]
    if scope is WITHOUT:
        assert answer.status_code == 401, answer.text
    elif not scope.covers(needed):
        assert answer.status_code in (401, 403), answer.text


@pytest.mark.parametrize(("label", "mode"), SOUND)
def test_no_request_with_any_key_meets_an_undeclared_answer(lab: Lab, label: str, mode: GenerationMode) -> None:
    hold_all(lab, label, mode, FEW)


@pytest.mark.long
@pytest.mark.parametrize(("label", "mode"), CASES)
def test_no_request_of_many_with_any_key_meets_an_undeclared_answer(lab: Lab, label: str, mode: GenerationMode) -> None:
    hold_all(lab, label, mode, EXAMPLES)
