"""Files that are written whole or not at all."""

import contextlib
import os
from pathlib import Path

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


def write_whole(target: Path, content: bytes | str, private: bool = False) -> Path:
    """Write a file, its folders too where they are not there, and return it. Raises OSError.

    It is on the disk before it has its name, so that a loss of power leaves the old one or the new. Text becomes UTF-8;
    half a character, which UTF-8 cannot hold, its escape. A private file is for its owner's eyes alone.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        mode = 0o600 if private else 0o666  # less what the system's umask takes
        with open(os.open(unfinished, FLAGS, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:  # a Ctrl-C, too
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    return target
