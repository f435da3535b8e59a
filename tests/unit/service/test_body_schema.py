"""Body schemas: OpenAPI shows the models that FastAPI can't see."""

from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field, TypeAdapter

from service.middleware.body_schema import documented_body, merge_body_schemas


class Rnn(BaseModel):
    kind: Literal["rnn"]
    size: int = 1


class Lstm(BaseModel):
    kind: Literal["lstm"]
    size: int = 1


Model = Annotated[Rnn | Lstm, Field(discriminator="kind")]


class Spec(BaseModel):
    models: list[Model]


class Tree(BaseModel):
    branches: list["Tree"] = []


class Answer(BaseModel):
    model: Rnn


def merged(model: Any, **extra: Any) -> dict[str, Any]:
    app = FastAPI()

    @app.post("/x", openapi_extra=documented_body(model, **extra))
    def make() -> Answer:
        return Answer(model=Rnn(kind="rnn"))

    @app.post("/y", openapi_extra=documented_body(model, **extra))
    def again() -> None: ...

    return merge_body_schemas(app.openapi())


def references(node: Any) -> set[str]:
    match node:
        case dict():
            return set().union(*(references(value) for value in node.values()))
        case list():
            return set().union(*(references(value) for value in node))
        case str() if node.startswith("#/"):
            return {node}
        case _:
            return set()


def body(document: dict[str, Any], path: str = "/x") -> dict[str, Any]:
    content: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return content


def test_the_body_refers_to_a_component_and_every_reference_leads_somewhere() -> None:
    document = merged(Spec, examples={"smallest": {"models": [{"kind": "rnn"}]}})
    assert body(document)["schema"] == body(document, "/y")["schema"] == {"$ref": "#/components/schemas/Spec"}
    assert body(document)["examples"] == {"smallest": {"value": {"models": [{"kind": "rnn"}]}}}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    items = document["components"]["schemas"]["Spec"]["properties"]["models"]["items"]
    assert items["discriminator"]["mapping"]["lstm"] == "#/components/schemas/Lstm"


def test_a_name_taken_by_another_schema_is_left_alone() -> None:
    document = merged(Spec)
    document["paths"]["/x"]["post"] |= documented_body(Spec)
    document["components"]["schemas"]["Rnn"] = {"title": "Another"}
    again = merge_body_schemas(document)
    assert again["components"]["schemas"]["Rnn"] == {"title": "Another"}
    assert body(again)["schema"] == {"$ref": "#/components/schemas/Spec-Input"}
    assert "#/components/schemas/Rnn-Input" in references(again["components"]["schemas"]["Spec-Input"])


def test_a_union_has_the_name_it_is_given() -> None:
    document = merged(TypeAdapter(Model), name="ModelSpec")
    assert body(document)["schema"] == {"$ref": "#/components/schemas/ModelSpec"}
    assert "oneOf" in document["components"]["schemas"]["ModelSpec"]


def test_a_model_that_contains_itself_is_one_component() -> None:
    document = merged(Tree)
    assert body(document)["schema"] == {"$ref": "#/components/schemas/Tree"}
    assert document["components"]["schemas"]["Tree"]["properties"]["branches"]["items"] == {
        "$ref": "#/components/schemas/Tree"
    }


def test_what_is_no_class_must_be_named() -> None:
    with pytest.raises(TypeError, match="needs a name"):
        documented_body(TypeAdapter(Model))
