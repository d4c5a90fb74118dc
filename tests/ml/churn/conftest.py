import pytest


@pytest.fixture(scope="session", autouse=True)
def fixed_arithmetic() -> None:
    from ml.churn.model import fix_arithmetic

    fix_arithmetic()
