"""The surroundings of operations."""

from pathlib import Path

from memspan.engine.population import Condition
from service.operations.context import Context
from service.operations.loaded import LoadedModel
from service.queue.bell import NoBell
from service.settings import Settings
from service.storage.database import Database


def test_models_for_predictions_take_the_memory_that_the_settings_allow(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, model_cache_bytes=100)
    database = Database(settings.database_url)
    models = Context(settings, database, NoBell()).models
    database.close()

    def loaded() -> LoadedModel:
        return LoadedModel(predictor=None, condition=Condition, any_length=False, bytes=60)  # type: ignore[arg-type]

    first = models.get(1, loaded)
    assert models.get(1, loaded) is first
    models.get(2, loaded)
    assert models.get(1, loaded) is not first, "two models of 60 bytes are more than 100"
