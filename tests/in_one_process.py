"""Several `orrery` commands, one after the other in one process: a JVM takes longer to start than most of them run.

`python -m tests.in_one_process COMMANDS RESULTS`: a JSON list of command lines, and where to write how each ended.
"""

import json
import shlex
import sys
from pathlib import Path

from jobs import cli


def main() -> None:
    commands, results = map(Path, sys.argv[1:])
    ended = []
    for command in json.loads(commands.read_text()):
        print(f"\n$ {command}", flush=True)
        ended.append([command, code_of(command)])
    results.write_text(json.dumps(ended))


def code_of(command: str) -> int:
    sys.argv = shlex.split(command, comments=True)
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


if __name__ == "__main__":
    main()
