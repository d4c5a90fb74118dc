import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ml.checkpoints import Checkpoints
from ml.churn.run import Outcome, run
from ml.workers import Workers
from tests.ml.churn.small import PARAMETERS, write_small


def train_once(rows_dir: str, run_dir: Path, workers: int, *die_after: int) -> int:
    """How a training in a process of its own ended."""
    command = [sys.executable, "-m", "tests.ml.churn.train_once", rows_dir, run_dir, workers, *die_after]
    return subprocess.run([str(part) for part in command], timeout=300, check=False).returncode


def left_by(outcome: Outcome) -> dict[str, object]:
    """All that a run leaves for tables and scoring."""
    files = sorted((*outcome.embeddings_dir.glob("*"), outcome.run_dir / "test_predictions.parquet"))
    tables = {path.name: pq.read_table(path) for path in files}
    return {**tables, "history": outcome.history, "metrics": outcome.metrics}


@pytest.fixture(scope="module")
def rows_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_small(tmp_path_factory.mktemp("run") / "rows")


@pytest.fixture(scope="module")
def undisturbed(rows_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(rows_dir, str(tmp_path_factory.mktemp("run") / "undisturbed"), PARAMETERS, workers=1)


def test_every_contender_is_measured_on_the_same_customers(undisturbed):
    predictions = undisturbed.test_predictions.to_pandas()

    contenders = ["gradient_boosting", "logistic_regression", "lstm", "recency_rule"]
    assert sorted(undisturbed.metrics) == sorted(predictions["contender"].unique()) == contenders
    assert predictions.groupby("contender")["core_id"].apply(tuple).nunique() == 1
    for contender, each in predictions.groupby("contender"):
        found = undisturbed.metrics[contender]
        assert found["accuracy"] == pytest.approx((each["is_predicted"] == each["has_churned"]).mean())
    assert "auroc_gain_over_gradient_boosting_low" in undisturbed.metrics["lstm"]


def test_every_trained_customer_leaves_a_vector(undisturbed):
    found = pq.read_table(undisturbed.embeddings_dir).to_pydict()

    assert sorted(found["core_id"]) == [f"C{number:03}" for number in range(40)]
    assert {len(vector) for vector in found["vector"]} == {PARAMETERS.embedding_size}


def test_a_finished_run_is_not_done_again(undisturbed, rows_dir, monkeypatch):
    monkeypatch.setattr("ml.churn.run.together", None)

    assert run(rows_dir, str(undisturbed.run_dir), PARAMETERS, workers=1) == undisturbed


@pytest.mark.end_to_end
def test_a_training_that_was_killed_ends_like_an_undisturbed_one(undisturbed, rows_dir, tmp_path):
    killed = train_once(rows_dir, tmp_path / "killed", 1, 3)

    resumed = run(rows_dir, str(tmp_path / "killed"), PARAMETERS, workers=1)

    assert killed == -signal.SIGKILL
    assert left_by(resumed) == left_by(undisturbed)


@pytest.mark.end_to_end
def test_two_workers_end_with_one_network_and_go_on_from_where_the_slower_was(undisturbed, rows_dir, tmp_path):
    folder = tmp_path / "two"
    ended = train_once(rows_dir, folder, 2)
    outcome = run(rows_dir, str(folder), PARAMETERS, workers=2)
    first = left_by(outcome)
    ranks = [Checkpoints(folder / "checkpoints", Workers(rank, 2)) for rank in (0, 1)]
    weights = [{name: each for name, each in rank.load(4)[0].items() if name != "vectors"} for rank in ranks]

    assert ended == 0
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert len(pq.read_table(outcome.embeddings_dir)) == 40
    assert outcome.metrics["lstm"]["auroc"] == pytest.approx(undisturbed.metrics["lstm"]["auroc"], abs=0.1)

    (folder / "outcome.json").unlink()
    ranks[1].path(4).unlink()  # as if this worker had been killed before its last checkpoint
    train_once(rows_dir, folder, 2)

    assert left_by(run(rows_dir, str(folder), PARAMETERS, workers=2)) == first
