"""Packages that are imported while other things are waited for."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from jobs.imports import import_all, import_meanwhile


@pytest.fixture
def slow_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "slow_package.py").write_text("import time\ntime.sleep(0.5)\nIS_WHOLE = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "slow_package"
    sys.modules.pop("slow_package", None)


def test_who_needs_a_package_that_is_being_imported_gets_it_whole(slow_package):
    import_meanwhile(slow_package)

    assert import_module(slow_package).IS_WHOLE


def test_a_package_that_is_not_there_keeps_none_from_being_imported(slow_package):
    import_all(("no_such_package", slow_package))

    assert slow_package in sys.modules
