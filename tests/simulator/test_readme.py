"""What simulator/README.md shows of policies is done here word for word, and what it prints is what is printed."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulator import cli
from tests.processes import ROOT
from tests.readme import BLOCK, Command, commands, snippets

PAGE = ROOT / "simulator" / "README.md"


def typed(command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> str:
    """What a command prints."""
    if command.program != "simulate":
        subprocess.run(command.line, shell=True, check=True)
        return ""
    monkeypatch.setattr(sys, "argv", command.words)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    return "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())


def test_policies_are_compared_as_the_page_shows(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (decide,) = snippets("python", PAGE)
    (to_print,) = [text for language, text in BLOCK.findall(PAGE.read_text()) if language == "text"]
    printed = ""
    for command in commands(PAGE):
        if "2024-07-28" in command.words and not (tmp_path / "chosen.parquet").exists():
            exec(decide, {})
        if command.words[1] != "marginals":
            printed += typed(command, monkeypatch, capsys)

    assert printed == to_print
    profits = [float(line.split()[4].replace(",", "")) for line in printed.splitlines()[2:]]
    assert profits[1] < profits[0] < profits[2]
