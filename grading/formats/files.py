"""Files that are written whole or not at all."""

import contextlib
import os
from pathlib import Path


def write_whole(target: Path, content: bytes | str) -> Path:
    """Write a file, its folders too where they are not there, and return it. Raises OSError.

    Text becomes UTF-8; half a character, which UTF-8 cannot hold, its escape.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, target)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    return target
