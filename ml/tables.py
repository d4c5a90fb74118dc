"""What models leave behind: the declarations of ml."""

from lakehouse.rules import Between
from lakehouse.tables import Column, Table

MODEL = Column("string", "The model, as registered.")
MODEL_VERSION = Column("string", "Its version in the registry.")
CORE_ID = Column("string", "The customer.", "pseudonymous")

MODELS = Table(
    name="ml.models",
    doc="The models that were trained, and from what.",
    grain="one row per model version",
    key=("model", "model_version"),
    columns={
        "model": MODEL,
        "model_version": MODEL_VERSION,
        "run_id": Column("string", "The MLflow run."),
        "trained_as_of": Column("date", "The last day that training and testing knew of."),
        "test_as_of": Column("date", "The day whose customers the model was tested on."),
        "workers": Column("int", "How many Horovod workers trained it."),
        "parameters": Column("string", "What it was built and trained with, as JSON."),
        "threshold": Column("double", "From which probability on a customer is said to churn; chosen on validation."),
    },
)

TRAINING_HISTORY = Table(
    name="ml.training_history",
    doc="How training went.",
    grain="one row per model version and epoch",
    key=("model", "model_version", "epoch"),
    columns={
        "model": MODEL,
        "model_version": MODEL_VERSION,
        "epoch": Column("int", "Counted from 1."),
        "loss": Column("double", "On the training rows."),
        "validation_loss": Column("double", "On the validation rows."),
        "validation_auroc": Column("double", "On the validation rows."),
    },
)

MODEL_METRICS = Table(
    name="ml.model_metrics",
    doc="The model and plain baselines, tested on the same customers of a later day.",
    grain="one row per model version, contender and metric",
    key=("model", "model_version", "contender", "metric"),
    columns={
        "model": MODEL,
        "model_version": MODEL_VERSION,
        "contender": Column("string", "lstm, recency_rule, logistic_regression or gradient_boosting."),
        "metric": Column("string", "accuracy, precision, recall, f1, auroc, auprc, brier, calibration_error, ..."),
        "value": Column("double", "As measured."),
    },
)

TEST_PREDICTIONS = Table(
    name="ml.test_predictions",
    doc="What the model and the baselines said of each test customer, and what came true.",
    grain="one row per model version, contender and customer",
    key=("model", "model_version", "contender", "core_id"),
    columns={
        "model": MODEL,
        "model_version": MODEL_VERSION,
        "contender": Column("string", "lstm, recency_rule, logistic_regression or gradient_boosting."),
        "core_id": CORE_ID,
        "probability": Column("double", "Of churn, as predicted."),
        "is_predicted": Column("boolean", "Whether that is at or above the contender's threshold."),
        "has_churned": Column("boolean", "What came true."),
    },
)

CUSTOMER_EMBEDDINGS = Table(
    name="ml.customer_embeddings",
    doc="The embedding of each customer, taken out of the network so that scoring need not load it.",
    grain="one row per model version and customer",
    key=("model", "model_version", "core_id"),
    columns={
        "model": MODEL,
        "model_version": MODEL_VERSION,
        "core_id": CORE_ID,
        "shard": Column("int", "The shard of the customer."),
        "vector": Column("array<float>", "The embedding.", "pseudonymous"),
    },
    cluster_by=("model_version", "shard"),
)

CHURN_SCORES = Table(
    name="ml.churn_scores",
    doc=(
        "How likely each customer is to stay away in the weeks after a day. The model is of active customers: of the "
        "others it says that they will go on staying away."
    ),
    grain="one row per customer per as_of",
    key=("as_of", "core_id"),
    columns={
        "as_of": Column("date", "The last day that the score knows of."),
        "core_id": CORE_ID,
        "shard": Column("int", "The shard of the customer."),
        "model": MODEL,
        "model_version": MODEL_VERSION,
        "churn_probability": Column("double", "Of no order within the model's horizon."),
        "is_active": Column("boolean", "Whether they ordered in the weeks that the model calls active (13)."),
        "is_at_risk": Column("boolean", "Active, and at or above the model's threshold."),
        "risk_decile": Column("int", "1 is the tenth of the active customers most at risk; none for the others."),
        "reasons": Column("array<string>", "What moved the score up most, in words; empty for customers not at risk."),
    },
    rules=(Between(column="churn_probability", low=0, high=1), Between(column="risk_decile", low=1, high=10)),
    cluster_by=("as_of", "shard"),
)
