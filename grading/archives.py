"""Unpack a hand-in's archive that nobody has read: all of it into one folder, or nothing and a sentence that says why.

The table of contents is read first, and every name, type and size in it is checked before anything is written; the
data are then counted against what the table promised. All is bounded: the archive, its table, what it expands to.

What an archive is, its first bytes say, not its suffix: students rename. .zip (stored or deflated), .tar and .tar.gz
are unpacked. .rar and .7z are refused even where a tool for them is installed: such a tool is a large parser in C that
would meet hostile bytes with the grader's own rights. zip's bzip2 and LZMA are refused because `zipfile` expands them
without a bound (4 KB of bzip2 can be 5 GB); .tar.bz2 and .tar.xz because nobody is asked to hand them in.

The rules for names are the same on every system, and the strictest of them: a hand-in has one verdict everywhere.
"""

import contextlib
import errno
import functools
import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader, FileIO
from pathlib import Path, PurePath
from typing import IO, NamedTuple

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".rar", ".7z")


class Refused(Exception):
    """An archive that is not unpacked; the message is one sentence for the report."""


class Limits(NamedTuple):
    """What an archive may be at most; bytes, where nothing else is said."""

    entries: int  # files and folders
    file: int
    total: int  # of all files together, and of the archive itself
    path: int  # characters of a name within the archive
    depth: int  # parts of such a name

    @property
    def table(self) -> int:
        """The table of contents: 2 KB an entry is room for extended headers, and for the entries that are skipped.

        At least 128 KB, as `zipfile` looks for the end of the table in the last 64.
        """
        return max(2048 * self.entries, 2**17)

    @property
    def expanded(self) -> int:
        """A .tar.gz as a .tar: beyond `total`, room for headers, padding and the entries that are skipped."""
        return 2 * self.total


DEFAULT = Limits(
    entries=2_000,  # a hand-in has ten files, with data and graders some hundred; a whole virtual environment has more
    file=32 * 2**20,  # code is kilobytes; handed-out data are a few MB
    total=64 * 2**20,  # twice that; a class of 300 then still fits on a laptop's disk
    path=200,  # Windows allows 260, and the instructor's own folder comes before it
    depth=20,  # hw3/mytorch/x.py below two folders is 5
)

Parts = tuple[str, ...]  # of a name: the folders that lead to it, and its own

CHUNK = 2**16
HEADER = 2**16  # an extended header of a tar: a name and some attributes, usually below 1 KB
PART = 255  # bytes of one part of a name: what Linux' file systems hold

SKIPPED = {"__MACOSX", ".DS_Store", "__pycache__"}
PORTS = {f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"}
RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | PORTS  # by Windows, with any suffix too
FORBIDDEN = set('<>:"|?*')  # in a name on Windows
UNWRITABLE = {"Cc", "Cs", "Cn", "Zl", "Zp"}  # control characters, lone surrogates, unassigned, line separators

MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # without entries
    b"PK\x07\x08": "zip",  # once meant to be split
    b"\x1f\x8b": "gzip",
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
}
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES"}
MODES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}
TYPES = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
END = bytes(tarfile.BLOCKSIZE)  # the block that ends a .tar
EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
PLAIN = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE}
WITHOUT_DATA = {  # whatever size they say
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
}
ENCRYPTED = 0x2041  # the flags of a zip's entry for encryption: of old, strong, and of the table
LOCAL_HEADER = 30  # bytes in front of a zip's entry, at least
UTF8 = 0x800  # the flag for a name in UTF-8

# What the standard library raises over bytes that are not what they claim to be.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    UserWarning,  # of zipfile about an odd extra field, where warnings are errors
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
)
# An OSError that says nothing about the archive: the machine has run out of something.
EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def is_archive(path: str | PurePath) -> bool:
    """Whether the name, in small or capital letters, has a suffix of an archive, be it one that will be refused."""
    return _suffix(path) != ""


def stem(path: str | PurePath) -> str:
    """The name less .zip, .tar, .tar.gz or .tgz, if it has one of these."""
    name = PurePath(path).name
    suffix = _suffix(path)
    return name[: len(name) - len(suffix)] if suffix not in (".rar", ".7z") else name


def _suffix(path: str | PurePath) -> str:
    name = PurePath(path).name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix) and name != suffix), "")


def unpack(archive: Path, folder: Path, limits: Limits = DEFAULT) -> None:
    """Write the archive's files (0644) and folders (0755) to a folder that is empty or made here, or raise Refused.

    A refused archive leaves nothing behind. An OSError is the machine's fault, never the archive's: no space, a
    folder that is not empty or cannot be written.
    """
    try:
        with contextlib.ExitStack() as opened:
            with _reading():
                members = _members(archive, opened, limits)
            _write(_tree(members, limits), folder)
    except Refused as refusal:
        raise Refused(f"{_shown(archive.name)} is not unpacked: {refusal}") from None


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Whatever the standard library raises over the archive's bytes is a refusal."""
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Refused(f"it is damaged, cut short or unreadable ({_plain(said or type(error).__name__)})") from None


def _shown(name: str) -> str:
    """A name from the archive as a message may hold it: quoted, cut, and nothing in it that a terminal obeys."""
    return repr(name) if len(name) <= 80 else repr(name[:80]) + "..."


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])


# --- The table of contents


class _Member(NamedTuple):
    """A line of the table of contents, as it stands there."""

    name: str | bytes  # bytes where the archive does not say which encoding
    folder: bool  # by its type; a name that ends with a slash is a folder's too
    size: int  # declared; a folder's says nothing
    fault: str  # what forbids unpacking it, unless it is skipped; "" if nothing does
    chunks: Callable[[], Iterator[bytes]]


def _members(archive: Path, opened: contextlib.ExitStack, limits: Limits) -> list[_Member]:
    if not stat.S_ISREG(archive.stat().st_mode):
        raise Refused("it is not a file")
    file = opened.enter_context(_Sparing(FileIO(archive), limits))
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise Refused("it is empty (0 bytes)")
    if size > limits.total:
        raise Refused(f"it is {size:,} bytes long, but should be at most {limits.total:,}")
    file.seek(0)
    start = file.read(tarfile.BLOCKSIZE)
    file.seek(0)
    kind = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "")
    if kind == "zip":
        return _zip_members(file, opened)
    if kind == "gzip":
        tar = opened.enter_context(tempfile.SpooledTemporaryFile(max_size=2**20))  # noqa: SIM115 (the stack closes it)
        for chunk in _gunzipped(file, limits.expanded):
            tar.write(chunk)
        tar.seek(0)
        if not _starts_tar(tar.read(tarfile.BLOCKSIZE)):
            raise Refused("it is compressed with gzip, but what it holds is no .tar")
        return _tar_members(tar, limits)
    if kind:
        raise Refused(f"it is {kind}, which this project does not unpack; hand in .zip or .tar.gz")
    if not _starts_tar(start):
        raise Refused("its first bytes are those of no .zip, .tar or .tar.gz")
    return _tar_members(file, limits)


class _Sparing(BufferedReader):
    """A file that is never read whole: `zipfile` takes in a table of contents at once, however long it is."""

    def __init__(self, raw: FileIO, limits: Limits) -> None:
        super().__init__(raw)
        self.limits = limits

    def read(self, size: int | None = -1, /) -> bytes:
        most = self.limits.table
        data = super().read(most + 1 if size is None or not 0 <= size <= most else size)
        if len(data) > most:
            raise Refused(_too_long_a_table(self.limits))
        return data


def _too_long_a_table(limits: Limits) -> str:
    return f"it lists more than {limits.entries:,} entries, or takes more than {limits.table:,} bytes to list them"


def _zip_members(file: _Sparing, opened: contextlib.ExitStack) -> list[_Member]:
    packed = opened.enter_context(zipfile.ZipFile(file))
    overlapping = _overlapping(packed.infolist())
    members = []
    for info in packed.infolist():
        flagged = info.flag_bits & UTF8
        mode = info.external_attr >> 16
        name = info.orig_filename  # as it stands in the archive: `filename` is cut at a NUL
        members.append(
            _Member(
                name=name if flagged else name.encode("cp437"),
                folder=stat.S_ISDIR(mode),
                size=info.file_size,
                fault="overlaps another one" if info.header_offset in overlapping else _zip_fault(info, mode),
                chunks=functools.partial(_zip_chunks, packed, info),
            )
        )
    return members


def _zip_fault(info: zipfile.ZipInfo, mode: int) -> str:
    if info.flag_bits & ENCRYPTED:
        return "is encrypted, but a hand-in must open without a password"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = METHODS.get(info.compress_type, f"method {info.compress_type}")
        return f"is compressed with {method}, but only stored and deflated entries are unpacked"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"is {MODES.get(stat.S_IFMT(mode), 'of an unknown type')}, but only files and folders are unpacked"
    return ""


def _overlapping(infos: Iterable[zipfile.ZipInfo]) -> set[int]:
    """Where entries begin that share bytes with the one before: a known way to say a kilobyte a thousand times."""
    starts = set()
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            starts.add(info.header_offset)
        end = max(end, info.header_offset + LOCAL_HEADER + info.compress_size)
    return starts


def _zip_chunks(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with packed.open(info) as member:
        while chunk := member.read(CHUNK):
            yield chunk


def _gunzipped(file: IO[bytes], most: int) -> Iterator[bytes]:
    """What the first member of a gzip file holds, and that is all that `tar czf` writes; checked by its checksum."""
    stream = zlib.decompressobj(wbits=31)
    count = 0
    while not stream.eof:
        chunk = stream.unconsumed_tail or file.read(CHUNK)
        if not chunk:
            raise Refused("it is cut short: its compressed data end too early")
        data = stream.decompress(chunk, CHUNK)
        count += len(data)
        if count > most:
            raise Refused(f"it expands to more than the {most:,} bytes that are allowed")
        yield data


def _starts_tar(block: bytes) -> bool:
    try:
        return block == END or (len(block) == len(END) and bool(_header(block)))
    except tarfile.HeaderError:
        return False


def _header(block: bytes) -> tarfile.TarInfo:
    return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")


def _tar_members(file: IO[bytes], limits: Limits) -> list[_Member]:
    """`tarfile` reads each header, but does not go from one to the next: its own way keeps all of an extended header,
    parses it in time and memory that may grow with the square of its length, and calls itself for the one that follows.
    """
    end = file.seek(0, os.SEEK_END)
    offset = listed = 0
    said: dict[bytes, bytes] = {}  # by extended headers, about the member that follows them
    members: list[_Member] = []
    while True:
        file.seek(offset)
        block = file.read(len(END))
        if block == END:
            return members
        if len(block) < len(END):
            raise Refused("it is cut short: the blocks that end a .tar are missing")
        info = _header(block)
        extended = info.type in EXTENDED
        size = info.size if extended else int(said.get(b"size", info.size))
        offset += len(END)
        listed += len(END) + size * extended
        if listed > limits.table:
            raise Refused(_too_long_a_table(limits))
        if not 0 <= size <= end - offset:
            raise Refused(
                f"it is cut short: its entry {_shown(info.name)} should have {size:,} bytes, "
                f"but only {end - offset:,} follow"
            )
        if extended:
            if size > HEADER:
                raise Refused(f"it has an extended header of {size:,} bytes, but {HEADER:,} at most are allowed")
            said = _said(info.type, file.read(size)) | said
        else:
            name = said.get(b"path", info.name.encode("utf-8", "surrogateescape"))
            members.append(
                _Member(
                    name=name,
                    folder=info.isdir(),
                    size=size,
                    fault=_tar_fault(info, said),
                    chunks=functools.partial(_tar_chunks, file, offset, size),
                )
            )
            said = {}
        if extended or info.type not in WITHOUT_DATA:
            offset += -(-size // len(END)) * len(END)


def _said(kind: bytes, data: bytes) -> dict[bytes, bytes]:
    """What an extended header says of the next member, of all that matters here: its path, its size, that it is sparse.

    A pax header is a row of records "LENGTH KEY=VALUE\\n", each as long as it says, the length included.
    """
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {b"path": data.rstrip(b"\0")}
    if kind not in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
        return {}  # a long name of a link's target, or attributes of the archive as a whole
    said: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + 8)
        digits = data[start : max(space, start)]
        end = start + int(digits) if digits.isdigit() else 0
        key, is_, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or data[max(end, 1) - 1 : end] != b"\n" or not is_:
            raise Refused("it is damaged: a pax header does not hold records of the length that they say")
        if key == b"size" and not (value.isdigit() and len(value) <= 20):
            raise Refused(f"it is damaged: a pax header says the size {value[:20]!r}")
        if key in (b"path", b"size"):
            said[key] = value
        elif key.startswith(b"GNU.sparse."):
            said[b"sparse"] = value
        start = end
    return said


def _tar_fault(info: tarfile.TarInfo, said: dict[bytes, bytes]) -> str:
    kind = tarfile.GNUTYPE_SPARSE if b"sparse" in said else info.type
    if kind in PLAIN:
        return ""
    return f"is {TYPES.get(kind, 'of an unknown type')}, but only files and folders are unpacked"


def _tar_chunks(file: IO[bytes], offset: int, size: int) -> Iterator[bytes]:
    file.seek(offset)
    while size and (chunk := file.read(min(size, CHUNK))):
        size -= len(chunk)
        yield chunk


# --- What may be written


def _tree(members: list[_Member], limits: Limits) -> dict[Parts, _Member | None]:
    """The files, and the folders as None, each after the folder that it lies in; all that is skipped left out."""
    encoding = _encoding([member.name for member in members if isinstance(member.name, bytes)])
    tree: dict[Parts, _Member | None] = {}
    spellings: dict[Parts, Parts] = {}
    total = 0
    for member in members:
        name = member.name if isinstance(member.name, str) else member.name.decode(encoding)
        path = name.replace("\\", "/")
        parts = tuple(part for part in path.split("/") if part not in ("", "."))
        folder = member.folder or path.endswith("/")
        if any(part in SKIPPED or part.startswith("._") for part in parts) or (folder and path in ("./", ".")):
            continue
        _check_name(name, parts, limits)
        if unholdable := _unholdable(name, parts):
            if not name.lower().endswith(".py"):
                continue  # a note or a picture that some system cannot hold, and nobody needs
            raise Refused(unholdable)
        if member.fault:
            raise Refused(f"its entry {_shown(name)} {member.fault}")
        if not folder and member.size > limits.file:
            raise Refused(
                f"its entry {_shown(name)} is {member.size:,} bytes long, but should be at most {limits.file:,}"
            )
        total += 0 if folder else member.size
        if total > limits.total:
            raise Refused(f"its files are more than {limits.total:,} bytes long together")
        folded = _folded(parts)
        for depth in range(1, len(parts) + 1):
            here = parts[:depth]
            file = member if here == parts and not folder else None
            spelling = spellings.setdefault(folded[:depth], here)
            if spelling != here:
                raise Refused(
                    f"its entries {_shown('/'.join(spelling))} and {_shown('/'.join(here))} "
                    "may be one and the same on Windows and macOS"
                )
            if here not in tree:
                tree[here] = file
            elif (tree[here] is None) != (file is None):
                raise Refused(f"its entry {_shown('/'.join(here))} is a file and a folder at once")
            elif file:
                raise Refused(f"its entry {_shown(name)} is there twice")
        if len(tree) > limits.entries:
            raise Refused(f"it holds more than {limits.entries:,} files and folders")
    if not any(tree.values()):
        raise Refused("it holds no file")
    return tree


def _encoding(names: list[bytes]) -> str:
    """Of the names that do not say: UTF-8 if that can be, else GBK (Chinese Windows), else what zip's standard says."""
    for encoding in ("utf-8", "gbk"):
        with contextlib.suppress(UnicodeDecodeError):
            b"/".join(names).decode(encoding)
            return encoding
    return "cp437"


def _folded(parts: Parts) -> Parts:
    """The same for names that Windows or macOS hold to be the same: but for case, and for how accents are written."""
    return tuple(unicodedata.normalize("NFD", unicodedata.normalize("NFD", part).casefold()) for part in parts)


def _check_name(name: str, parts: Parts, limits: Limits) -> None:
    """Refuse a name that leads elsewhere, or that would be no name on any system."""
    entry = f"its entry {_shown(name)}"
    if not parts:
        raise Refused(f"{entry} has no name")
    if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        raise Refused(f"{entry} has an absolute name, but should lie in the folder that is handed in")
    if ".." in parts:
        raise Refused(f"{entry} has a part '..', but should lie in the folder that is handed in")
    if len(name) > limits.path:
        raise Refused(f"{entry} has a name of {len(name):,} characters, but {limits.path} at most are allowed")
    if len(parts) > limits.depth:
        raise Refused(f"{entry} lies {len(parts)} levels deep, but {limits.depth} at most are allowed")
    for part in parts:
        if len(part.encode("utf-8", "replace")) > PART:
            raise Refused(f"{entry} has a part of more than {PART} bytes, which Linux cannot hold")
        if any(unicodedata.category(letter) in UNWRITABLE for letter in part):
            raise Refused(f"{entry} has a control character in its name")


def _unholdable(name: str, parts: Parts) -> str:
    """Why Windows cannot hold this name, or ""."""
    entry = f"its entry {_shown(name)}"
    for part in parts:
        if not FORBIDDEN.isdisjoint(part):
            return f"{entry} has one of {' '.join(sorted(FORBIDDEN))} in its name, which Windows cannot hold"
        if part.endswith((".", " ")):
            return f"{entry} has a part that ends with a dot or a space, which Windows cannot hold"
        if part.partition(".")[0].rstrip().upper() in RESERVED:
            return f"{entry} has the part {_shown(part)}, which is the name of a device on Windows"
    return ""


# --- Writing


def _write(tree: dict[Parts, _Member | None], folder: Path) -> None:
    """All of it, or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(errno.ENOTEMPTY, "a hand-in is unpacked into an empty folder only", str(folder))
    try:
        for parts, member in tree.items():
            target = folder.joinpath(*parts)
            try:
                if member is None:
                    target.mkdir()
                    target.chmod(0o755)
                else:
                    _write_file(target, member, "/".join(parts))
            except (FileExistsError, UnicodeError):
                raise Refused(
                    f"its entry {_shown('/'.join(parts))} has a name that this file system cannot hold"
                ) from None
    except BaseException:
        for child in folder.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        raise


def _write_file(target: Path, member: _Member, name: str) -> None:
    """The bytes that were declared: fewer or more are refused, and none of the more is written."""
    written = 0
    with target.open("xb") as file:
        for chunk in _read(member):
            written += len(chunk)
            if written > member.size:
                break
            file.write(chunk)
    if written != member.size:
        more = "more than " * (written > member.size)
        raise Refused(
            f"its entry {_shown(name)} holds {more}{min(written, member.size):,} bytes, but declares {member.size:,}"
        )
    target.chmod(0o644)


def _read(member: _Member) -> Iterator[bytes]:
    with _reading():
        yield from member.chunks()
