"""What differs by target. Given as arguments or as ORRERY_* environment variables; nothing is read anywhere else."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One lakehouse. On a laptop everything is in the folder `home`; on Databricks in a catalog and its volumes."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_", extra="forbid")

    target: Literal["local", "databricks"] = "local"
    home: Path = Field(Path(".lakehouse"), description="The folder of a local lakehouse.")
    catalog: str | None = Field(None, description="A Unity Catalog catalog; none is Spark's own.")
    landing: str | None = Field(None, description="Where raw files arrive. Default: landing/ in home.")
    state: str | None = Field(None, description="Checkpoints of streams and of training. Default: state/ in home.")
    sources: Path | None = Field(None, description="A folder of declarations to use in place of the built-in ones.")
    memory: str = Field("3g", description="Memory of the local Spark driver.")
    cores: str = Field("*", description="Cores of the local Spark: a number, or * for all.")
    shards: int = Field(16, ge=1, description="Into how many shards customers are divided.")

    @property
    def landing_dir(self) -> str:
        return self.landing or str(self.home.absolute() / "landing")

    @property
    def state_dir(self) -> str:
        return self.state or str(self.home.absolute() / "state")

    @property
    def warehouse_dir(self) -> str:
        return str(self.home.absolute() / "warehouse")

    @property
    def reports_dir(self) -> Path:
        """On Databricks beside the state, which outlives the job's cluster."""
        return (Path(self.state_dir) if self.target == "databricks" else self.home.absolute()) / "reports"

    def table(self, name: str) -> str:
        """The full name of layer.table in this lakehouse's catalog."""
        return f"{self.catalog}.{name}" if self.catalog else name
