"""MLflow: what was tried, how it went, and which version of a model is which."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")  # it warns of an environment without pip, as uv makes them

from mlflow.entities import Metric, Param, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from lakehouse.settings import Settings

DIGEST = "digest"


@dataclass(frozen=True)
class Version:
    """`version` counts from 1 for each model."""

    model: str
    version: str
    run_id: str


@dataclass(frozen=True)
class Registry:
    """Runs and models of one lakehouse. `artifacts` is where a new experiment keeps its files; none is the store's own.

    What is registered is known by its digest: of its data, parameters, code and workers. Registering it again finds the
    version that is there, also after a kill between any two steps.
    """

    client: MlflowClient
    artifacts: str | None = None
    experiments: str = ""
    models: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Registry":
        """SQLite and a folder in a local lakehouse; the workspace's own, and its Unity Catalog, on Databricks."""
        if settings.target == "databricks":
            models = f"{settings.catalog}.ml." if settings.catalog else ""
            client = MlflowClient("databricks", "databricks-uc" if models else "databricks")
            return cls(client, experiments="/Shared/", models=models)
        home = settings.home.absolute()
        home.mkdir(parents=True, exist_ok=True)
        make_database(home / "mlflow.db")
        return cls(MlflowClient(f"sqlite:///{home}/mlflow.db"), artifacts=(home / "mlflow").as_uri())

    def find(self, model: str, digest: str) -> Version | None:
        found = [
            version
            for version in self.client.search_model_versions(f"name = '{self.models}{model}'")
            if self.client.get_model_version(version.name, version.version).tags.get(DIGEST) == digest
        ]
        return as_version(model, found[0]) if found else None

    def register(
        self,
        model: str,
        digest: str,
        *,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        curves: Iterable[Mapping[str, float]],
        save: Callable[[Path], None],
        scratch: Path,
    ) -> Version:
        """Track the run and register its model, once. `save` writes an MLflow model to a folder, which is in `scratch`.

        Each of `curves` is the metrics of one epoch, with its number.
        """
        known = self.find(model, digest)
        if known is not None:
            return known
        run = self.finished_run(model, digest) or self.track(model, digest, parameters, metrics, curves, save, scratch)
        name = f"{self.models}{model}"
        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{run.info.artifact_uri}/model"
        created = self.client.create_model_version(name, source, run.info.run_id, tags={DIGEST: digest})
        return as_version(model, created)

    def folder(self, version: Version) -> Path:
        """The registered MLflow model, as files on this machine."""
        from mlflow.artifacts import download_artifacts

        source = self.client.get_model_version_download_uri(f"{self.models}{version.model}", version.version)
        return Path(download_artifacts(source))

    def finished_run(self, model: str, digest: str) -> Run | None:
        """The run that was tracked whole. What a killed one left is deleted."""
        finished = None
        for run in self.client.search_runs([self.experiment(model)], f"tags.{DIGEST} = '{digest}'"):
            if run.info.status == "FINISHED":
                finished = run
            else:
                self.client.delete_run(run.info.run_id)
        return finished

    def track(
        self,
        model: str,
        digest: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        curves: Iterable[Mapping[str, float]],
        save: Callable[[Path], None],
        scratch: Path,
    ) -> Run:
        run = self.client.create_run(self.experiment(model), tags={DIGEST: digest}, run_name=f"{model} {digest[:8]}")
        run_id, started = run.info.run_id, run.info.start_time
        points = [Metric(name, value, started, 0) for name, value in metrics.items()]
        points += [
            Metric(name, value, started, int(epoch["epoch"]))
            for epoch in curves
            for name, value in epoch.items()
            if name != "epoch"
        ]
        self.client.log_batch(run_id, params=[Param(name, str(value)) for name, value in parameters.items()])
        for start in range(0, len(points), 1000):  # as many as MLflow takes at once
            self.client.log_batch(run_id, metrics=points[start : start + 1000])
        folder = scratch / "mlflow-model"
        if not (folder / "MLmodel").exists():
            save(folder)
        self.client.log_artifacts(run_id, str(folder), "model")
        self.client.set_terminated(run_id)
        return run

    def experiment(self, model: str) -> str:
        name = f"{self.experiments}{model}"
        found = self.client.get_experiment_by_name(name)
        created: str = found.experiment_id if found else self.client.create_experiment(name, self.artifacts)
        return created


def make_database(path: Path) -> None:
    """Whole or not at all: MLflow makes it in dozens of steps, which it cannot take up where a kill has left them."""
    if path.exists():
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    for left in path.parent.glob(f"{unfinished.name}*"):  # with what SQLite notes beside it
        left.unlink()
    MlflowClient(f"sqlite:///{unfinished}")
    unfinished.replace(path)


def as_version(model: str, found: ModelVersion) -> Version:
    return Version(model, str(found.version), found.run_id or "")
