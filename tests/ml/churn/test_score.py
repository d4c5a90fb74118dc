import os
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES, SEQUENCE_FEATURES
from ml.churn.dataset import FEATURES
from ml.churn.evaluate import deciles
from ml.churn.model import Scaling, build_model, in_batches, known_weeks
from ml.churn.parameters import Parameters
from ml.churn.run import write_model
from ml.churn.score import ChurnModel, network, score, scored, with_deciles
from ml.tables import CUSTOMER_EMBEDDINGS

AS_OF = date(2024, 3, 31)
WEEKS, SIZE, CUSTOMERS = 4, 3, 40
ONES = (1.0,) * len(SEQUENCE_FEATURES)


@pytest.fixture(scope="module")
def keras_model():
    return build_model(Scaling(ONES, ONES, ONES[:2], ONES[:2]), weeks=WEEKS, units=4, hidden=(4,), embedding_size=SIZE)


@pytest.fixture(scope="module")
def churn(keras_model, tmp_path_factory: pytest.TempPathFactory) -> ChurnModel:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    write_model(keras_model, path)
    parameters = Parameters(weeks=WEEKS, embedding_size=SIZE)
    return ChurnModel("churn", "3", path.read_bytes(), parameters, threshold=0.5)


@pytest.fixture
def tables(spark) -> tuple[DataFrame, ...]:
    """Customers C00 to C39; the last two are no longer active, the first ten have an embedding."""
    random = np.random.default_rng(0)

    def frame(table, rows):
        return spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)

    everyone = [{"as_of": AS_OF, "core_id": f"C{number:02}", "shard": number % 4} for number in range(CUSTOMERS)]
    steps = random.random((CUSTOMERS, WEEKS * len(ONES))).astype(np.float32)
    sequences = [
        {**one, "weeks": WEEKS, "weeks_known": 1 + number % WEEKS, "steps": steps[number].tolist()}
        for number, one in enumerate(everyone)
    ]
    features = [
        {**one, "recency_days": 91 if number >= CUSTOMERS - 2 else number, "tenure_days": 100, "orders_13w": 5}
        for number, one in enumerate(everyone)
    ]
    vectors = [
        {**one, "model": "churn", "model_version": version, "vector": [float(version), number / 10, 1.0]}
        for version in ("2", "3")
        for number, one in enumerate(everyone[:10])
    ]
    return (
        frame(CUSTOMER_SEQUENCES, sequences),
        frame(CUSTOMER_FEATURES, features),
        frame(CUSTOMER_EMBEDDINGS, vectors),
    )


def in_memory(keras_model, tables) -> dict[str, float]:
    sequences, features, _ = ({row.core_id: row for row in table.collect()} for table in tables)
    found = {}
    for number, core_id in enumerate(sorted(sequences)):
        vector = [3.0, number / 10, 1.0] if number < 10 else [0.0] * SIZE
        inputs = [
            np.array([sequences[core_id].steps], np.float32).reshape(1, WEEKS, -1),
            known_weeks(np.array([sequences[core_id].weeks_known]), WEEKS),
            np.log1p(np.array([[getattr(features[core_id], name) for name in FEATURES]], np.float32)),
            np.array([vector], np.float32),
        ]
        found[core_id] = float(in_batches(keras_model)(*inputs)[0, 0])
    return found


def test_scores_are_what_the_model_says_in_memory(tables, churn, keras_model):
    expected = in_memory(keras_model, tables)

    scores = score(*tables, churn, as_of=AS_OF).collect()

    assert len(scores) == CUSTOMERS
    for row in scores:
        assert row.churn_probability == pytest.approx(expected[row.core_id], abs=1e-6)
        assert row.is_active == (row.core_id < "C38")
        assert row.is_at_risk == (row.is_active and row.churn_probability >= 0.5)
        assert bool(row.reasons) == row.is_at_risk
        assert (row.risk_decile is not None) == row.is_active
    assert {(row.as_of, row.model, row.model_version) for row in scores} == {(AS_OF, "churn", "3")}


@pytest.fixture
def spread(spark, monkeypatch):
    """Few customers, scored as many are."""
    monkeypatch.setattr("ml.churn.score.FEW", 0)
    partitions = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "4")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", partitions)


@pytest.mark.usefixtures("spread")
def test_scores_are_the_same_however_the_customers_are_spread(tables, churn):
    sequences, features, embeddings = tables
    once = score(*tables, churn, as_of=AS_OF).orderBy("core_id").collect()

    again = score(sequences.repartition(5), features.repartition(3), embeddings, churn, as_of=AS_OF)

    assert again.orderBy("core_id").collect() == once


def test_a_customer_without_a_sequence_is_scored_by_what_else_is_known(tables, churn):
    sequences, features, embeddings = tables
    never_ordered = features.withColumns({name: F.lit(None) for name in ("recency_days", "tenure_days")})

    scores = score(sequences.limit(0), never_ordered, embeddings, churn, as_of=AS_OF).collect()

    assert len({row.core_id for row in scores}) == CUSTOMERS
    assert not any(row.is_active or row.is_at_risk for row in scores)
    assert len({row.churn_probability for row in scores}) == 11  # ten embeddings, and none


def test_another_day_has_no_scores(tables, churn):
    assert score(*tables, churn, as_of=date(2024, 4, 1)).isEmpty()


@pytest.mark.usefixtures("spread")
@pytest.mark.parametrize(("few", "processes"), [(CUSTOMERS, 1), (CUSTOMERS - 1, 4)])
def test_few_customers_are_scored_by_one_process(few, processes, tables, churn, monkeypatch):
    monkeypatch.setattr("ml.churn.score.FEW", few)

    assert scored(*tables, churn, as_of=AS_OF).rdd.getNumPartitions() == processes


@pytest.mark.usefixtures("spread")
def test_a_worker_builds_the_model_once(spark, tables, churn):
    sequences, features, embeddings = tables
    for partitions in (2, 4):
        score(sequences.repartition(partitions), features, embeddings, churn, as_of=AS_OF).collect()

    def count(_):
        cache = network.cache_info()
        yield pa.RecordBatch.from_pydict({"pid": [os.getpid()], "builds": [cache.misses], "uses": [cache.hits]})

    counted = "pid bigint, builds bigint, uses bigint"
    found = spark.range(1, numPartitions=1).mapInArrow(count, counted).first()
    assert (found.builds, found.pid != os.getpid()) == (1, True)
    assert found.uses > 1


def test_deciles_are_by_probability_over_all_customers_ties_by_id(spark):
    random = np.random.default_rng(0)
    probabilities = random.integers(0, 300, 1003) / 300
    rows = [(f"C{number:04}", float(each), True) for number, each in enumerate(probabilities)]
    others = [("gone", 1.0, False), ("long gone", 0.0, False)]
    columns = "core_id string, churn_probability double, is_active boolean"
    scores = spark.createDataFrame(rows + others, columns).repartition(4)

    found = scores.transform(with_deciles).orderBy("core_id").collect()

    assert [row.risk_decile for row in found] == [*deciles(probabilities).tolist(), None, None]


def test_a_model_of_other_inputs_is_refused(tmp_path):
    (tmp_path / "card.json").write_text('{"features": ["age"], "sequence_features": []}')

    with pytest.raises(ValueError, match=r"features: expected \['age'\], found \['recency_days', 'tenure_days'\]"):
        ChurnModel.load(tmp_path, name="churn", version="1")
