"""Train the churn model, test it beside plain baselines, and leave it in the registry and in the tables of ml."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Thread

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.churn_labels import CHURN_LABELS
from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from jobs.build_gold import KNOWN, build_gold, build_labels
from jobs.check_layer import check_layer
from jobs.console import did, stage, step
from jobs.imports import import_all
from jobs.tuning import tuned
from lakehouse.delta import Lakehouse
from lakehouse.rules import quoted
from lakehouse.settings import Settings
from lakehouse.tables import Table
from ml.churn import dataset, records, serving
from ml.churn.dataset import TooLittleHistoryError, TrainingDays, training_days
from ml.churn.parameters import Parameters
from ml.churn.run import Outcome, run
from ml.registry import Registry
from ml.tables import CUSTOMER_EMBEDDINGS, MODEL_METRICS, MODELS, TEST_PREDICTIONS, TRAINING_HISTORY
from silver.tables import ORDER_LINES

NAME = "orrery-churn"
SHOWN = ("auroc", "auprc", "f1", "accuracy")


def train_churn(lake: Lakehouse, as_of: date, *, workers: int, parameters: Parameters | None = None) -> None:
    """One model of all that was known by `as_of`. What an earlier run of the same day finished is not done again."""
    parameters = parameters or Parameters()
    days = days_of(lake, as_of, parameters)
    build_gold(lake, days.all)
    label(lake, as_of, days, parameters)
    check_layer(lake, "gold", (), *days.all)
    train_on(lake, as_of, days, workers=workers, parameters=parameters)


def label(lake: Lakehouse, as_of: date, days: TrainingDays, parameters: Parameters) -> None:
    """What became of the customers of each day, as it was known by `as_of`."""
    build_labels(lake, days.all, known_until=as_of, horizon=parameters.horizon_weeks, active=parameters.active_weeks)


def train_on(lake: Lakehouse, as_of: date, days: TrainingDays, *, workers: int, parameters: Parameters) -> None:
    """The model of days whose gold and labels are there and checked."""
    with stage(f"Training {NAME}: {len(days.train)} days, tested on {days.test}"):
        digest = lake.origin(MODELS, KNOWN.values(), {"days": days, "parameters": parameters, "workers": workers})
        runs = Path(lake.settings.state_dir) / "churn"
        if lake.newest_note(MODELS).get("digest") == digest:
            did(NAME, "unchanged")
            shutil.rmtree(runs, ignore_errors=True)
            return
        run_dir = runs / digest
        getting_ready = Thread(target=get_ready, args=(lake.settings,), daemon=True)
        getting_ready.start()
        with step("training rows"):
            rows_dir = str(run_dir / "rows")
            sequences, features, labels = (
                lake.read(each) for each in (CUSTOMER_SEQUENCES, CUSTOMER_FEATURES, CHURN_LABELS)
            )
            rows = dataset.training_rows(sequences, features, labels, days=days, parameters=parameters)
            dataset.write(rows, rows_dir)
            getting_ready.join()  # Horovod forks, and a module that is being imported then would be locked in its child
        with step(f"training with {workers} worker{'s' * (workers > 1)}") as came_of_it:
            outcome = run(rows_dir, str(run_dir), parameters, workers=workers)
            came_of_it(f"{len(outcome.history)} epochs, the best is {outcome.best_epoch}")
        for contender, metrics in outcome.metrics.items():
            did(f"tested: {contender}", "  ".join(f"{name} {metrics[name]:.3f}" for name in SHOWN if name in metrics))
        with step("model and tables of ml"):
            keep(lake, outcome, digest, as_of=as_of, days=days)
            shutil.rmtree(runs)  # all is in tables and the registry; what is left are rows of customers


def get_ready(settings: Settings) -> None:
    """What takes seconds when it is first asked for: imports, and a local registry, which makes its database. What is
    wrong there is told by who needs it."""
    import_all(("ml.churn.baselines", "horovod.spark"))
    with suppress(Exception):
        Registry.of(settings)


def days_of(lake: Lakehouse, as_of: date, parameters: Parameters) -> TrainingDays:
    first = lake.read(ORDER_LINES).agg(F.to_date(F.min("ordered_at"))).first()
    if first is None or first[0] is None:
        raise TooLittleHistoryError("Cannot train: expected orders in silver.order_lines, found none.")
    return training_days(as_of, first_order_on=first[0], parameters=parameters)


def keep(lake: Lakehouse, outcome: Outcome, digest: str, *, as_of: date, days: TrainingDays) -> None:
    """Register the model, and write its tables; ml.models last: it says that all is there."""
    ours, lake = outcome.metrics["lstm"], tuned(lake)
    version = Registry.of(lake.settings).register(
        NAME,
        digest,
        parameters={**vars(outcome.parameters), "workers": outcome.workers, "as_of": as_of},
        metrics=ours,
        curves=outcome.history,
        save=lambda folder: serving.save(outcome.model_dir, folder),
        scratch=outcome.run_dir,
    )
    of_version = f"model = {quoted(version.model)} AND model_version = {quoted(version.version)}"

    def replace(table: Table, rows: DataFrame) -> None:
        lake.replace(rows, table, where=of_version, note={"digest": digest})

    of_run = (
        (TRAINING_HISTORY, records.training_history),
        (MODEL_METRICS, records.model_metrics),
        (TEST_PREDICTIONS, records.test_predictions),
        (CUSTOMER_EMBEDDINGS, records.customer_embeddings),
    )
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(replace, table, rows(lake.spark, outcome, version)) for table, rows in of_run]:
            done.result()
    replace(MODELS, records.models(lake.spark, outcome, version, as_of=as_of, days=days))
