"""Train the churn model, test it beside plain baselines, and leave it in the registry and in the tables of ml."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.churn_labels import CHURN_LABELS
from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from jobs.build_gold import KNOWN, build_gold, build_labels
from jobs.check_layer import check_layer
from jobs.console import did, stage, step
from jobs.imports import import_all
from jobs.tuning import tuned, tuned_for
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


def train_churn(
    lake: Lakehouse, as_of: date, *, workers: int, parameters: Parameters | None = None, also: Sequence[date] = ()
) -> None:
    """One model of all that was known by `as_of`. What an earlier run of the same day finished is not done again.

    `also`: days whose gold is built and checked in one go with that of the training days.
    """
    parameters, of_size = parameters or Parameters(), tuned_for(lake)
    days = days_of(of_size, as_of, parameters)
    build_gold(lake, [*days.all, *also])
    build_labels(lake, days.all, known_until=as_of, horizon=parameters.horizon_weeks, active=parameters.active_weeks)
    check_layer(lake, "gold", (), *days.all, *also)
    with stage(f"Training {NAME}: {len(days.train)} days, tested on {days.test}"):
        digest = lake.origin(MODELS, KNOWN.values(), {"days": days, "parameters": parameters, "workers": workers})
        runs = Path(lake.settings.state_dir) / "churn"
        if lake.newest_note(MODELS).get("digest") == digest:
            did(NAME, "unchanged")
            shutil.rmtree(runs, ignore_errors=True)
            return
        run_dir = runs / digest
        with step("training rows"), ThreadPoolExecutor(1) as meanwhile:
            getting_ready = meanwhile.submit(get_ready, lake.settings, workers)
            rows_dir = str(run_dir / "rows")
            sequences, features, labels = (
                of_size.read(each) for each in (CUSTOMER_SEQUENCES, CUSTOMER_FEATURES, CHURN_LABELS)
            )
            rows = dataset.training_rows(sequences, features, labels, days=days, parameters=parameters)
            dataset.write(rows, rows_dir)
            getting_ready.result()  # Horovod forks: a module that is imported meanwhile would be locked in its child
        with step(f"training with {workers} worker{'s' * (workers > 1)}") as came_of_it:
            outcome = run(rows_dir, str(run_dir), parameters, workers=workers)
            came_of_it(f"{len(outcome.history)} epochs, the best is {outcome.best_epoch}")
        for contender, metrics in outcome.metrics.items():
            did(f"tested: {contender}", "  ".join(f"{name} {metrics[name]:.3f}" for name in SHOWN if name in metrics))
        with step("model and tables of ml"):
            keep(lake, outcome, digest, as_of=as_of, days=days)
            shutil.rmtree(runs)  # all is in tables and the registry; what is left are rows of customers


def get_ready(settings: Settings, workers: int) -> None:
    """What takes seconds when it is first asked for: imports, and a local registry, which makes its database."""
    import_all(("ml.churn.baselines", *(["horovod.spark"] if workers > 1 else [])))
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
