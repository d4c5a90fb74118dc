import sqlite3
from pathlib import Path

import pytest

from lakehouse.settings import Settings
from ml.registry import Registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry.of(Settings(home=tmp_path_factory.mktemp("registry")))


def register(registry: Registry, model: str, digest: str, scratch: Path):
    def save(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "MLmodel").write_text("a model")

    return registry.register(
        model,
        digest,
        parameters={"units": 4},
        metrics={"auroc": 0.75},
        curves=[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4}],
        save=save,
        scratch=scratch / digest,
    )


def test_a_registry_whose_making_was_killed_is_made(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path)

    def killed(uri: str) -> None:
        with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
            database.execute("CREATE TABLE experiments (experiment_id INTEGER)")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("ml.registry.MlflowClient", killed)
        Registry.of(settings)

    assert register(Registry.of(settings), "m", "x", tmp_path).version == "1"


def test_versions_count_from_1_for_each_model(registry, tmp_path):
    found = [register(registry, *each, tmp_path).version for each in (("m", "x"), ("m", "y"), ("n", "x"))]

    assert found == ["1", "2", "1"]


def test_the_same_digest_is_registered_once(registry, tmp_path):
    first = register(registry, "once", "x", tmp_path)
    again = register(registry, "once", "x", tmp_path)

    assert again == first
    assert len(registry.client.search_runs([registry.experiment("once")])) == 1


def test_what_was_tried_and_how_it_went_is_tracked(registry, tmp_path):
    version = register(registry, "tracked", "x", tmp_path)

    run = registry.client.get_run(version.run_id)
    losses = registry.client.get_metric_history(version.run_id, "loss")
    assert (run.data.params, run.data.metrics["auroc"]) == ({"units": "4"}, 0.75)
    assert [(each.step, each.value) for each in losses] == [(1, 0.5), (2, 0.4)]
    assert [each.path for each in registry.client.list_artifacts(version.run_id, "model")] == ["model/MLmodel"]


def test_a_run_that_was_killed_is_tracked_again_and_leaves_no_version(registry, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry.client, "log_artifacts", killed)
    with pytest.raises(KeyboardInterrupt):
        register(registry, "killed", "x", tmp_path)
    monkeypatch.undo()
    version = register(registry, "killed", "x", tmp_path)

    assert version.version == "1"
    assert [run.info.run_id for run in registry.client.search_runs([registry.experiment("killed")])] == [version.run_id]


def test_a_run_that_was_killed_before_its_model_was_registered_is_not_tracked_again(registry, tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry.client, "create_model_version", killed)
    with pytest.raises(KeyboardInterrupt):
        register(registry, "unregistered", "x", tmp_path)
    monkeypatch.undo()
    version = register(registry, "unregistered", "x", tmp_path)

    assert len(registry.client.search_runs([registry.experiment("unregistered")])) == 1
    assert version.version == "1"
