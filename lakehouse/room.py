"""What a person is told of folders that are full or do not open: Java says that one is full, and not which; and Delta,
that a table does not exist whose folder is shut."""

import os
import re
import shutil
from pathlib import Path

from lakehouse.settings import Settings

FULL = ("No space left on device", "Disk quota exceeded")
LITTLE = 1 << 20  # bytes: less are soon used up by anything
NO_TABLE = re.compile(r"(?:`(\w+)`\.`|/(\w+)\.db/)(\w+)`? doesn't exist")  # by its name or by its path


def about_folders(settings: Settings, said: str) -> str | None:
    """What an error leaves unsaid of a local lakehouse's folders, if they have to do with it."""
    return (no_room(settings, said) or not_opened(settings, said)) if settings.target == "local" else None


def no_room(settings: Settings, said: str) -> str | None:
    """Which folders of a local lakehouse have no room left, or the least where an error said that there was none: by
    now there may be some again."""
    home = settings.home.absolute()
    folders = [Path(each) for each in (home, settings.warehouse_dir, settings.state_dir) if Path(each).is_dir()]
    free = {folder: shutil.disk_usage(folder).free for folder in folders}
    least = max(LITTLE, min(free.values(), default=0)) if any(each in said for each in FULL) else LITTLE
    short = [f"{folder} ({room:,} bytes are free)" for folder, room in free.items() if room <= least]
    return f"No room is left in {', '.join(short)}.\nMake some, and run it again." if short else None


def not_opened(settings: Settings, said: str) -> str | None:
    """Which folder on the way to a table that was not found does not open, and why."""
    if not (table := NO_TABLE.search(said)):
        return None
    by_name, by_path, name = table.groups()
    way = Path(settings.warehouse_dir)
    for step in ("", f"{by_name or by_path}.db", name, "_delta_log"):
        way /= step
        try:
            os.scandir(way).close()
        except OSError as error:
            return f"Cannot open {way}: {error.strerror}.\nMend it, and run it again."
    return None
