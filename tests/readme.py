"""What the README tells its reader to type."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A command line, and the program that it starts."""

    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)

    @property
    def program(self) -> str:
        return self.words[0]


def snippets(language: str, path: Path = README) -> list[str]:
    return [text for found, text in BLOCK.findall(path.read_text()) if found == language]


def commands(path: Path = README) -> list[Command]:
    """Each line of each ```sh block; a line that ends with a backslash goes on in the next, as do open quotes."""
    found = []
    for block in snippets("sh", path):
        line = ""
        for part in block.replace("\\\n", " ").splitlines():
            line = f"{line}\n{part}" if line else part
            try:
                words = shlex.split(line, comments=True)
            except ValueError:  # an open quote
                continue
            if words:
                found.append(Command(line.strip()))
            line = ""
    return found


def statements() -> list[str]:
    """Each statement of each ```sql block."""
    return [each.strip() for block in snippets("sql") for each in block.split(";") if each.strip()]
