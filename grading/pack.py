"""Archives with the same bytes each time: files in order, one time, two modes, nobody's.

.zip and .tar.gz hold the same files, whose lines end as they were given. The bytes follow from these, and from the
version of zlib.
"""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import NamedTuple

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the earliest that a .zip can say."""

SECONDS = 315_532_800
"""The same in seconds since 1970, UTC."""


class File(NamedTuple):
    content: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644


Files = Mapping[str, File]


def zipped(files: Files) -> bytes:
    """The files as a .zip, by their names."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, file in sorted(files.items()):
            info = zipfile.ZipInfo(name, MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, wherever it is built: only then do modes count
            info.external_attr = (0o100000 | file.mode) << 16
            packed.writestr(info, file.content)
    return archive.getvalue()


def tarred(files: Files) -> bytes:
    """The files as a .tar.gz, by their names."""
    archive = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=archive, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as packed,
    ):
        for name, file in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(file.content), file.mode, SECONDS
            packed.addfile(info, io.BytesIO(file.content))
    return archive.getvalue()
