"""What a person is told when a disk is full: Java says that one is, and not which."""

import shutil
from pathlib import Path

from lakehouse.settings import Settings

FULL = ("No space left on device", "Disk quota exceeded")
LITTLE = 1 << 20  # bytes: less are soon used up by anything


def no_room(settings: Settings, said: str) -> str | None:
    """Which folders of a local lakehouse have no room left, or the least where an error said that there was none: by
    now there may be some again."""
    if settings.target != "local":
        return None
    home = settings.home.absolute()
    folders = [Path(each) for each in (home, settings.warehouse_dir, settings.state_dir) if Path(each).is_dir()]
    free = {folder: shutil.disk_usage(folder).free for folder in folders}
    least = max(LITTLE, min(free.values(), default=0)) if any(each in said for each in FULL) else LITTLE
    short = [f"{folder} ({room:,} bytes are free)" for folder, room in free.items() if room <= least]
    return f"No room is left in {', '.join(short)}.\nMake some, and run it again." if short else None
