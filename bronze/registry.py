"""Finding declarations: the built-in ones, or a folder of them that somebody else keeps."""

import importlib
import importlib.util
import pkgutil
from inspect import cleandoc
from pathlib import Path
from types import ModuleType

import bronze.sources
from bronze.source import Source
from lakehouse.tables import ContractError


def declared_sources(folder: Path | None = None) -> list[Source]:
    """Every `Source` of the modules in `folder`, or of bronze/sources, by name. Names are unique."""
    found = {source.name: source for _, sources in declared_systems(folder).values() for source in sources}
    return [found[name] for name in sorted(found)]


def declared_systems(folder: Path | None = None) -> dict[str, tuple[str, list[Source]]]:
    """Each module that declares a source, which is one system: its runbook, and its sources as they stand there."""
    modules = outside_modules(folder) if folder else built_in_modules()
    known: dict[str, Source] = {}
    systems: dict[str, tuple[str, list[Source]]] = {}
    for module in modules:
        mine: list[Source] = []
        for value in vars(module).values():
            if not isinstance(value, Source):
                continue
            if value.name in known and known[value.name] is not value:
                raise ContractError(f"The source {value.name} is declared twice. Rename one of the two.")
            if value.name not in known:
                mine.append(value)
            known[value.name] = value
        if mine:
            systems[module.__name__.rsplit(".", 1)[-1].removeprefix("declared_")] = (
                cleandoc(module.__doc__ or ""),
                mine,
            )
    if not systems:
        raise ContractError(f"No sources in {folder}: expected Python modules that declare a Source.")
    return systems


def built_in_modules() -> list[ModuleType]:
    names = [each.name for each in pkgutil.iter_modules(bronze.sources.__path__) if not each.ispkg]
    return [importlib.import_module(f"bronze.sources.{name}") for name in names]


def outside_modules(folder: Path) -> list[ModuleType]:
    if not folder.is_dir():
        raise ContractError(f"--sources {folder}: expected a folder of declarations, found none.")
    modules = []
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"declared_{path.stem}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        modules.append(module)
    return modules
