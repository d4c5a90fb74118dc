"""Finding declarations: the built-in ones, or a folder of them that somebody else keeps."""

import importlib
import importlib.util
import pkgutil
from pathlib import Path
from types import ModuleType

import bronze.sources
from bronze.source import Source
from lakehouse.tables import ContractError


def declared_sources(folder: Path | None = None) -> list[Source]:
    """Every `Source` of the modules in `folder`, or of bronze/sources, by name. Names are unique."""
    modules = outside_modules(folder) if folder else built_in_modules()
    found: dict[str, Source] = {}
    for module in modules:
        for value in vars(module).values():
            if not isinstance(value, Source):
                continue
            if value.name in found and found[value.name] is not value:
                raise ContractError(f"The source {value.name} is declared twice. Rename one of the two.")
            found[value.name] = value
    if not found:
        raise ContractError(f"No sources in {folder}: expected Python modules that declare a Source.")
    return [found[name] for name in sorted(found)]


def built_in_modules() -> list[ModuleType]:
    names = [each.name for each in pkgutil.iter_modules(bronze.sources.__path__)]
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
