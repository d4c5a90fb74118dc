"""What the churn model is built and trained with."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Parameters:
    """`settle_days`: how long after a horizon its orders are all there; a day's sales are delivered the next night.
    `class_balance`: 0 weighs rows alike; 1 weighs churners so that both classes count the same."""

    horizon_weeks: int = 4
    active_weeks: int = 13
    settle_days: int = 1
    every_weeks: int = 4
    least_weeks: int = 13
    most_days: int = 8
    weeks: int = 52
    units: int = 32
    hidden: tuple[int, ...] = (32,)
    embedding_size: int = 8
    dropout: float = 0.2
    unseen_share: float = 0.1
    learning_rate: float = 0.003
    embedding_rate: float = 0.3
    embedding_pull: float = 0.1
    class_balance: float = 0.5
    batch_size: int = 128
    epochs: int = 8
    patience: int = 3
    seed: int = 7

    def to_json(self, **more: Any) -> str:
        return json.dumps({**asdict(self), **more}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Parameters":
        known = {name: value for name, value in json.loads(text).items() if name in cls.__dataclass_fields__}
        return cls(**{**known, "hidden": tuple(known["hidden"])})
