"""An archive that nobody has read is unpacked into its folder alone, or refused in one sentence."""

import gzip
import io
import os
import random
import stat
import struct
import tarfile
import tracemalloc
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading import archives
from grading.archives import Limits, Refused, is_archive, stem, unpack

HAND_IN = {"mytorch/rnn_cell.py": b"class RNN_Cell: ...\n", "hw3/hw3.py": b"import numpy as np\n" * 50}
SMALL = Limits(entries=20, file=20_000, total=50_000, path=40, depth=4)
UNIX = 3  # zip's number of the system whose modes an entry carries
CHINESE = "作业三/mytorch/循环.py"


# --- Archives, made here


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """A .zip of files, given as a dict or as pairs of a name or ZipInfo, and bytes."""
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that are there twice
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, data)
    return stored.getvalue()


def zip_entry(name, mode=0o644, flags=0):
    info = zipfile.ZipInfo(name)
    info.filename = name  # as it is, with a NUL or a backslash
    info.create_system, info.external_attr = UNIX, mode << 16
    info.flag_bits |= flags
    return info


def tarred(files, compress=False, layout=tarfile.PAX_FORMAT, encoding="utf-8"):
    """A .tar or .tar.gz of files, given as a dict or as pairs of a name or TarInfo, and bytes."""
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w", format=layout, encoding=encoding) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(stored.getvalue(), mtime=0) if compress else stored.getvalue()


def tar_entry(name, kind=tarfile.REGTYPE, target="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def tar_block(name, size, kind=tarfile.REGTYPE):
    """A header alone, with a size that nothing need follow."""
    info = tar_entry(name, kind)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def padded(data):
    return data + bytes(-len(data) % tarfile.BLOCKSIZE)


ENDING = bytes(2 * tarfile.BLOCKSIZE)
PACKERS = {"zip": zipped, "tar": tarred, "tar.gz": lambda files: tarred(files, compress=True)}


@pytest.fixture(params=PACKERS.values(), ids=list(PACKERS))
def packed(request):
    """Each kind of archive that is unpacked, as the function that makes it."""
    return request.param


class Place:
    """A folder with one archive in it, and the folder to unpack into."""

    def __init__(self, root):
        self.root = root
        self.folder = root / "in" / "here"

    def unpack(self, data, name="hand_in.zip", limits=archives.DEFAULT):
        """What was written, by name; checks that nothing else was."""
        archive = self.root / name
        archive.write_bytes(data)
        try:
            unpack(archive, self.folder, limits)
        finally:
            everything = {path for path in self.root.rglob("*") if self.folder not in path.parents}
            assert everything <= {archive, self.folder, self.folder.parent}
            assert archive.read_bytes() == data
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def refusal(self, data, name="hand_in.zip", limits=archives.DEFAULT):
        """Why the archive is refused; checks that it is one sentence, and that nothing was left behind."""
        with pytest.raises(Refused) as refused:
            self.unpack(data, name, limits)
        said = str(refused.value)
        assert said.startswith(f"'{name}' is not unpacked: ")
        assert said.isprintable()
        assert len(said) < 500
        assert "Traceback" not in said
        assert not self.folder.exists() or not any(self.folder.iterdir())
        return said


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


# --- What is unpacked


def test_files_are_unpacked_as_they_are(packed, place):
    """Every kind of archive gives back the files that went into it."""
    assert place.unpack(packed(HAND_IN)) == HAND_IN


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.rar", "a"])
def test_content_decides_what_an_archive_is(packed, place, name):
    """A renamed archive is unpacked all the same."""
    assert place.unpack(packed(HAND_IN), name) == HAND_IN


def test_clutter_is_left_out(packed, place):
    """What macOS and Python leave in a folder is neither unpacked nor held against the hand-in."""
    clutter = ["__MACOSX/hw3/._hw3.py", ".DS_Store", "hw3/.DS_Store", "hw3/__pycache__/hw3.pyc", "hw3/._x", "._AUX. "]

    assert place.unpack(packed(HAND_IN | dict.fromkeys(clutter, b"x"))) == HAND_IN


def test_clutter_counts_for_nothing(packed, place):
    """As many skipped entries as there may be files, and one that is too long for a file, do not stop a hand-in."""
    clutter = {f"__MACOSX/._{number}": b"" for number in range(SMALL.entries)} | {"__MACOSX/x": bytes(20_001)}

    assert place.unpack(packed({"a.py": b"1"} | clutter), limits=SMALL) == {"a.py": b"1"}


def test_odd_clutter_is_left_out_too(place):
    """A link among what is skipped is skipped."""
    link = tar_entry("__pycache__/x", tarfile.SYMTYPE, "/etc/passwd")

    assert place.unpack(tarred([("a.py", b"1"), (link, b"")])) == {"a.py": b"1"}


def test_a_leading_dot_is_no_folder(packed, place):
    """`tar czf x.tgz .` writes ./ in front of every name."""
    assert place.unpack(packed({"./a/./b.py": b"1"})) == {"a/b.py": b"1"}


def test_a_folder_of_its_own_is_made(place):
    """The root as "./", folders with and without files, and folders said twice are as they should be."""
    folders = [(tar_entry(name, tarfile.DIRTYPE), b"") for name in (".", "hw3", "hw3", "empty")]

    assert place.unpack(tarred([*folders, ("hw3/a.py", b"1")])) == {"hw3/a.py": b"1"}
    assert (place.folder / "empty").is_dir()


def test_backslashes_separate_folders(place):
    """Older Windows tools write hw3\\a.py into a .zip."""
    assert place.unpack(zipped([(zip_entry("hw3\\"), b""), (zip_entry("hw3\\a.py"), b"1")])) == {"hw3/a.py": b"1"}


@pytest.fixture(params=[0o000, 0o077])
def umask(request):
    """The grader's own mask, which decides nothing."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no modes")
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mode", [0o6777, 0o000, 0o444])
def test_modes_are_plain(place, mode):
    """No file may be executed or set an identity, and every one can be read and removed, whatever the archive says."""
    folder = tar_entry("hw3", tarfile.DIRTYPE, mode=mode)
    place.unpack(tarred([(folder, b""), (tar_entry("hw3/a.py", mode=mode), b"1")]))

    assert stat.S_IMODE((place.folder / "hw3").stat().st_mode) == 0o755
    assert stat.S_IMODE((place.folder / "hw3" / "a.py").stat().st_mode) == 0o644


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no modes")
def test_zip_modes_are_plain(place):
    """The same holds for a .zip."""
    place.unpack(zipped([(zip_entry("a.py", stat.S_IFREG | 0o6777), b"1")]))

    assert stat.S_IMODE((place.folder / "a.py").stat().st_mode) == 0o644


def zip_with_raw_names(files, encoding):
    """A .zip whose names are bytes of that encoding, without the flag that says UTF-8."""
    letters = {name: name.encode(encoding).decode("cp437") for name in files}

    class Unflagged(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):  # zipfile writes UTF-8 unless a name is ASCII
            return self.filename.encode("cp437"), self.flag_bits & ~archives.UTF8

    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        for name, data in files.items():
            archive.writestr(Unflagged(letters[name]), data)
    return stored.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_chinese_names_in_a_zip_need_no_flag(place, encoding):
    """Names of Chinese Windows are GBK, those of macOS UTF-8, and neither says so."""
    assert place.unpack(zip_with_raw_names({CHINESE: b"1"}, encoding)) == {CHINESE: b"1"}


def test_chinese_names_with_the_flag_are_utf_8(place):
    """A .zip that says UTF-8 is believed."""
    assert place.unpack(zipped({CHINESE: b"1"})) == {CHINESE: b"1"}


@pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_chinese_names_in_a_tar(place, layout, encoding):
    """The same holds for a .tar of each format."""
    assert place.unpack(tarred({CHINESE: b"1"}, True, layout, encoding)) == {CHINESE: b"1"}


def test_a_gbk_letter_may_end_like_a_backslash(place):
    """The second byte of 誠 in GBK is 5C, and separates nothing."""
    name = "作业/誠"
    assert name.encode("gbk").endswith(b"\\")

    assert place.unpack(zip_with_raw_names({name: b"1"}, "gbk")) == {name: b"1"}


def test_other_names_are_code_page_437(place):
    """What is neither UTF-8 nor GBK is what the standard of .zip says."""
    assert place.unpack(zip_with_raw_names({"caf\u00e9.py": b"1"}, "cp437")) == {"caf\u00e9.py": b"1"}


@pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_in_a_tar(place, layout):
    """A name that takes an extended header is read from it, and only the next file gets it."""
    name = "/".join(["a_rather_long_folder"] * 8) + "/x.py"

    assert place.unpack(tarred({name: b"1", "y.py": b"2"}, layout=layout)) == {name: b"1", "y.py": b"2"}


def test_attributes_of_a_whole_tar_are_passed_over(place):
    """`git archive` writes the commit into a header of its own."""
    comment = b"52 comment=0123456789012345678901234567890123456789\n"
    data = tar_block("pax_global_header", len(comment), tarfile.XGLTYPE) + padded(comment) + tarred(HAND_IN)

    assert place.unpack(data) == HAND_IN


# --- What is refused, whatever the kind


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("../x.py", "a part '..'"),
        ("hw3/../../x.py", "a part '..'"),
        ("hw3/..", "a part '..'"),
        ("..\\x.py", "a part '..'"),
        ("/tmp/x.py", "an absolute name"),
        ("\\x.py", "an absolute name"),
        ("C:\\x.py", "an absolute name"),
        ("c:x.py", "an absolute name"),
        ("\\\\server\\share\\x.py", "an absolute name"),
        ("//server/share/x.py", "an absolute name"),
        ("what?.py", "Windows cannot hold"),
        ("x\n.py", "control character"),
        ("x\x1b[2J.py", "control character"),
        ("x\u2028.py", "control character"),
        ("hw3/con.py", "device on Windows"),
        ("hw3 /x.py", "ends with a dot or a space"),
        ("作" * 86, "more than 255 bytes"),
        ("x/" * 100 + "x", "201 characters"),
        ("x/" * 20 + "x", "21 levels deep"),
    ],
)
def test_a_name_that_leads_elsewhere_or_cannot_be_held_is_refused(packed, place, name, because):
    """Nothing is written outside, and a name that one system cannot hold is refused on all."""
    entry = name if packed is not zipped else zip_entry(name)

    assert because in place.refusal(packed([("a.py", b"1"), (entry, b"2")]))


@pytest.mark.parametrize("name", ["x.py:stream", "NUL", "aux .txt", "COM¹", "x.py.", "...", "todo: fix?.txt"])
def test_a_note_that_one_system_cannot_hold_is_left_out(place, name):
    """A file beside the program whose name Windows cannot hold is not unpacked, and the rest is."""
    place.unpack(zipped([(zip_entry("hw3/hw3.py"), b"1"), (zip_entry(name), b"2")]))

    assert [path.name for path in place.folder.rglob("*") if path.is_file()] == ["hw3.py"]


def test_a_nul_in_the_name_of_a_zip_is_refused(place):
    """x.py\\0.txt is not x.py."""
    assert "control character" in place.refusal(zipped([(zip_entry("x.py\0.txt"), b"1")]))


def test_a_nul_in_the_name_of_a_tar_is_refused(place):
    """The same holds in a pax header."""
    record = b"18 path=x.py\0.txt\n"
    data = tar_block("pax", len(record), tarfile.XHDTYPE) + padded(record) + tarred({"y": b"1"})

    assert "control character" in place.refusal(data)


def test_a_file_without_a_name_is_refused(packed, place):
    """./ is the folder itself, and not a file."""
    entry = "." if packed is not zipped else zip_entry(".")

    assert "has no name" in place.refusal(packed([("a.py", b"1"), (entry, b"2")]))


def test_one_name_twice_is_refused(packed, place):
    """Which of two would be graded is for nobody to guess."""
    assert "is there twice" in place.refusal(packed([("a.py", b"1"), ("./a.py", b"2")]))


@pytest.mark.parametrize(
    "names", [("a.py", "A.PY"), ("HW3/a.py", "hw3/b.py"), ("caf\u00e9.py", "cafe\u0301.py"), ("ﬀ.py", "FF.py")]
)
def test_names_that_differ_in_case_or_accents_alone_are_refused(packed, place, names):
    """On Windows and macOS the second would be written over the first."""
    assert "one and the same" in place.refusal(packed(dict.fromkeys(names, b"1")))


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_file_that_is_a_folder_is_refused(packed, place, names):
    """One name cannot be both."""
    assert "a file and a folder at once" in place.refusal(packed(dict.fromkeys(names, b"1")))


def test_an_archive_without_files_is_refused(packed, place):
    """An empty archive, or one of clutter alone, is told as such."""
    assert "holds no file" in place.refusal(packed({}))
    assert "holds no file" in place.refusal(packed({"__MACOSX/x": b"1"}))


def test_too_many_entries_are_refused(packed, place):
    """Files and the folders that they lie in count."""
    files = {f"{number}/x": b"" for number in range(11)}

    assert "more than 20 files and folders" in place.refusal(packed(files), limits=SMALL)


def test_a_file_that_is_too_long_is_refused(packed, place):
    """Each file has a limit."""
    assert "'a' is 20,001 bytes long, but should be at most 20,000" in place.refusal(
        packed({"a": bytes(20_001)}), limits=SMALL
    )


def test_files_that_are_too_long_together_are_refused(place):
    """All files together have a limit."""
    files = dict.fromkeys("abc", bytes(20_000))

    assert "more than 50,000 bytes long together" in place.refusal(zipped(files), limits=SMALL)


def test_an_archive_that_is_too_long_is_refused(place):
    """The archive itself has a limit."""
    assert "it is 71,680 bytes long, but should be at most 50,000" in place.refusal(
        tarred(dict.fromkeys("abc", bytes(20_000))), limits=SMALL
    )


def test_a_hundred_thousand_entries_are_refused_before_they_are_read(place):
    """The table of contents is not even taken in."""
    line = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + b"x"
    table = line * 100_000
    ending = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 100_000 % 2**16, 100_000 % 2**16, len(table), 4, 0)

    tracemalloc.start()
    try:
        assert "lists more than 2,000 entries" in place.refusal(b"PK\3\4" + table + ending)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_hundred_thousand_entries_of_a_tar_are_refused(place):
    """From 140 KB of .tar.gz."""
    data = gzip.compress(tar_block("x", 0) * 100_000 + ENDING, 1)

    assert "lists more than 2,000 entries" in place.refusal(data)


# --- Bombs


@pytest.fixture(scope="module")
def bomb():
    """200 MB of zeros as the only file of a .tar.gz."""
    stored = io.BytesIO()
    with gzip.GzipFile(fileobj=stored, mode="wb", compresslevel=1) as file:
        file.write(tar_block("zeros", 200 * 2**20))
        for _ in range(200):
            file.write(bytes(2**20))
    return stored.getvalue()


def test_a_tar_bomb_is_refused_while_it_expands(place, bomb):
    """No more is expanded than is allowed, and that not in memory."""
    tracemalloc.start()
    try:
        assert "expands to more than the 134,217,728 bytes" in place.refusal(bomb)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_zip_bomb_is_refused_by_what_it_declares(place):
    """Forty files of 2 MB come from 80 KB."""
    files = {str(number): bytes(2**21) for number in range(40)}

    assert "more than 67,108,864 bytes long together" in place.refusal(zipped(files))


def relabelled(data, size):
    """A .zip of one file whose both headers declare another size."""
    data = bytearray(data)
    table = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, 22, size)
    struct.pack_into("<L", data, table + 24, size)
    return bytes(data)


@pytest.mark.parametrize("size", [0, 10, 2**21 - 1])
def test_a_zip_that_declares_too_little_is_refused(place, size):
    """A declared size may lie, and no more than that is written."""
    place.refusal(relabelled(zipped({"zeros": bytes(2**21)}), size))


def test_a_zip_that_declares_too_much_is_refused(place):
    """A file is as long as it is said to be."""
    place.refusal(relabelled(zipped({"zeros": bytes(100)}), 101))


def test_more_data_than_declared_are_not_written(place, monkeypatch):
    """Nor would they be if zipfile itself did not stop there."""

    def more(packed, info):
        yield from (b"123", b"456")
        pytest.fail("read on after 6 of 5 bytes")

    monkeypatch.setattr(archives, "_zip_chunks", more)

    assert "holds more than 5 bytes, but declares 5" in place.refusal(zipped({"a": b"12345"}))


def test_overlapping_entries_are_refused(place):
    """Two entries that share bytes are refused: a known way to say a kilobyte a thousand times."""
    data = bytearray(zipped([("a", bytes(50)), ("b", bytes(50))]))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    struct.pack_into("<L", data, second + 42, 0)

    assert "overlaps another one" in place.refusal(bytes(data))


def test_a_long_extended_header_is_refused(place):
    """A name of a megabyte is not read."""
    data = tar_block("pax", 2**20, tarfile.XHDTYPE) + bytes(2**20) + tarred(HAND_IN)

    assert "extended header of 1,048,576 bytes, but 65,536 at most" in place.refusal(data)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_extended_headers_without_end_are_refused(place, kind):
    """Headers about headers are counted, and none is kept."""
    data = (tar_block("x", 0, kind)) * 20_000 + ENDING

    assert "lists more than 2,000 entries" in place.refusal(data)


@pytest.mark.parametrize(
    "records",
    [
        b"1" * 60_000,
        b"2 " * 30_000,
        b"0 a=b\n" * 10,
        b"-6 a=b\n",
        b"9 a=b\n",
        b"6 abc\n",
        b"99999999 a=b\n",
        b" a=b\n",
        b"4 =\n=",
    ],
    ids=["digits", "twos", "zero", "negative", "short", "no value", "long", "no length", "rest"],
)
def test_a_pax_header_that_does_not_add_up_is_refused(place, records):
    """Its records are read in one pass, however they lie about their length."""
    data = tar_block("pax", len(records), tarfile.XHDTYPE) + padded(records) + tarred(HAND_IN)

    assert "pax header" in place.refusal(data)


@pytest.mark.parametrize("size", [b"-1", b"9" * 5000, b"1_0", b"", b"1e9"])
def test_a_pax_header_with_an_odd_size_is_refused(place, size):
    """A size is a number of ordinary length."""
    length = next(n for n in range(len(size) + 7, len(size) + 20) if len(b"%d size=%s\n" % (n, size)) == n)
    record = b"%d size=%s\n" % (length, size)
    data = tar_block("pax", len(record), tarfile.XHDTYPE) + padded(record) + tarred(HAND_IN)

    assert "says the size" in place.refusal(data)


def test_a_negative_size_is_refused(place):
    """The binary form of a tar's numbers has a sign."""
    info = tar_entry("x")
    info.size = -512
    data = info.tobuf(tarfile.GNU_FORMAT) + ENDING

    assert "should have -512 bytes" in place.refusal(data)


def test_a_file_longer_than_its_tar_is_refused(place):
    """The largest size that a header can hold is no more than a lie."""
    info = tar_entry("x")
    info.size = 2**80
    data = info.tobuf(tarfile.GNU_FORMAT) + ENDING

    assert "cut short" in place.refusal(data)


# --- Types


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a named pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (b"Z", "of an unknown type"),
    ],
)
def test_only_files_and_folders_of_a_tar_are_unpacked(place, kind, what):
    """Links, devices and the like are refused, though they may lead nowhere."""
    files = [("a.py", b"1"), (tar_entry("x", kind, "a.py"), b"")]

    assert f"'x' is {what}" in place.refusal(tarred(files, compress=True))


def test_a_sparse_file_of_the_newer_kind_is_refused(place):
    """Its size would be whatever it says."""
    info = tar_entry("x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.realsize": str(2**40)}

    assert "a sparse file" in place.refusal(tarred([(info, b"1")]))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (stat.S_IFLNK, "a symbolic link"),
        (stat.S_IFCHR, "a device"),
        (stat.S_IFBLK, "a device"),
        (stat.S_IFIFO, "a named pipe"),
        (stat.S_IFSOCK, "a socket"),
        (0o130000, "of an unknown type"),
    ],
)
def test_only_files_and_folders_of_a_zip_are_unpacked(place, kind, what):
    """The same holds for a .zip."""
    files = [("a.py", b"1"), (zip_entry("x", kind | 0o777), b"/etc/passwd")]

    assert f"'x' is {what}" in place.refusal(zipped(files))


def with_flag(data, flag):
    """A .zip of one file with another flag in both headers."""
    data = bytearray(data)
    for place in (6, data.index(b"PK\x01\x02") + 8):
        struct.pack_into("<H", data, place, struct.unpack_from("<H", data, place)[0] | flag)
    return bytes(data)


def test_an_encrypted_zip_is_refused(place):
    """A password cannot be asked for."""
    assert "'a.py' is encrypted" in place.refusal(with_flag(zipped({"a.py": b"1"}), 1))


@pytest.mark.parametrize(("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")])
def test_a_method_without_a_bound_is_refused(place, method, name):
    """zipfile would expand a few KB of bzip2 to gigabytes at once."""
    assert f"compressed with {name}" in place.refusal(zipped({"a.py": b"1"}, method))


def test_an_unknown_method_is_refused(place):
    """The number is told where there is no name."""
    data = bytearray(zipped({"a.py": b"1"}))
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, 77)

    assert "compressed with method 77" in place.refusal(bytes(data))


# --- What is no archive


@pytest.mark.parametrize(
    ("data", "because"),
    [
        (b"", "it is empty (0 bytes)"),
        (b"import numpy as np\n" * 100, "those of no .zip, .tar or .tar.gz"),
        (b"\0", "those of no .zip, .tar or .tar.gz"),
        (b"PK\x03\x04", "damaged, cut short or unreadable"),
        (b"\x1f\x8b", "cut short"),
        (gzip.compress(b"import numpy as np\n" * 100, mtime=0), "what it holds is no .tar"),
        (gzip.compress(b"", mtime=0), "what it holds is no .tar"),
        (
            b"Rar!\x1a\x07\x00" + bytes(100),
            "a RAR archive, which this project does not unpack; hand in .zip or .tar.gz",
        ),
        (b"Rar!\x1a\x07\x01\x00" + bytes(100), "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "a 7z archive"),
        (b"BZh9" + bytes(100), "compressed with bzip2"),
        (b"\xfd7zXZ\x00" + bytes(100), "compressed with xz"),
    ],
)
def test_what_is_no_archive_is_refused(place, data, because):
    """The sentence says what the file is, as far as can be told."""
    assert because in place.refusal(data)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_truncated_archive_is_refused(packed, place, share):
    """Wherever it was cut, and though a whole file may come before."""
    random_bytes = random.Random(0).randbytes(20_000)
    data = packed({"a.py": random_bytes, "b.py": random_bytes})

    place.refusal(data[: int(len(data) * share)])


def test_a_tar_cut_between_two_files_is_refused(place):
    """The blocks that end a .tar are missing."""
    data = tarred([("a.py", bytes(512)), ("b.py", bytes(512))])

    assert "the blocks that end a .tar are missing" in place.refusal(data[:1024])


def test_a_damaged_file_is_refused_and_nothing_is_left(place):
    """A wrong checksum undoes what was written before."""
    data = bytearray(zipped({"good/a.py": b"1", "b.py": b"2" * 100}, zipfile.ZIP_STORED))
    data[data.index(b"222")] ^= 1

    assert "CRC" in place.refusal(bytes(data))


def test_two_names_for_one_entry_are_refused(place):
    """The name in front of the data must be the name in the table."""
    data = zipped({"a.py": b"1"}).replace(b"a.py", b"b.py", 1)

    place.refusal(data)


def test_a_missing_archive_is_refused(place):
    """A file that cannot be read is refused like any other."""
    with pytest.raises(Refused, match="No such file"):
        unpack(place.root / "absent.zip", place.folder)


def test_a_folder_is_no_archive(place):
    """A folder named x.zip is told as such."""
    (place.root / "x.zip").mkdir()

    with pytest.raises(Refused, match="it is not a file"):
        unpack(place.root / "x.zip", place.folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_no_archive(place):
    """A pipe is not waited for."""
    os.mkfifo(place.root / "x.zip")

    with pytest.raises(Refused, match="it is not a file"):
        unpack(place.root / "x.zip", place.folder)


def test_a_folder_that_is_in_use_is_our_own_mistake(place):
    """That is no refusal, as the archive is not to blame, and what lies there stays."""
    place.folder.mkdir(parents=True)
    (place.folder / "mine").touch()

    with pytest.raises(FileExistsError, match="an empty folder only"):
        place.unpack(zipped(HAND_IN))
    assert (place.folder / "mine").exists()


# --- Names of archives


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("zhang_san.zip", "zhang_san"),
        ("ZHANG.TAR.GZ", "ZHANG"),
        ("a.b.tgz", "a.b"),
        ("a.tar", "a"),
        ("作业.7z", "作业.7z"),
        ("some/folder/a.Rar", "a.Rar"),
        ("a.tar.zip", "a.tar"),
    ],
)
def test_a_suffix_tells_an_archive(name, without):
    """In small or capital letters; and the rest is its stem."""
    assert is_archive(name)
    assert stem(name) == without


@pytest.mark.parametrize("name", ["hw3.py", "a.gz", "azip", ".zip", "a.zip.txt", "a.tar.xz"])
def test_another_name_tells_none(name):
    """And its stem is the whole name."""
    assert not is_archive(name)
    assert stem(name) == name


# --- Damage


WHOLE = {
    "zip": zipped(HAND_IN),
    "stored": zipped(HAND_IN, zipfile.ZIP_STORED),
    "chinese": zip_with_raw_names({CHINESE: b"1", "b": b"2"}, "gbk"),
    "tar": tarred({"x" * 120: b"1", "b": b"2"}),
    "gnu": tarred({"x" * 120: b"1", "b": b"2"}, layout=tarfile.GNU_FORMAT),
    "tar.gz": tarred(HAND_IN, compress=True),
}


@st.composite
def damaged_archives(draw):
    """A valid archive with some bytes changed, and perhaps its end cut off; shrinks to few changes."""
    data = bytearray(WHOLE[draw(st.sampled_from(sorted(WHOLE)))])
    compressed = data[:2] == b"\x1f\x8b" and draw(st.booleans())
    if compressed:
        data = bytearray(gzip.decompress(data))
    for _ in range(draw(st.integers(0, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    data = bytes(data[: draw(st.integers(0, len(data)) | st.just(len(data)))])
    return gzip.compress(data, mtime=0) if compressed else data


@given(data=damaged_archives())
@settings(max_examples=300)
def test_damage_is_refused_or_does_no_harm(tmp_path_factory, data):
    """Whatever bytes come, they are unpacked within the limits, or refused in a sentence."""
    place = Place(tmp_path_factory.mktemp("damaged"))
    try:
        written = place.unpack(data, limits=SMALL)
    except Refused:
        assert place.refusal(data, limits=SMALL)
    else:
        assert 0 < len(written) <= SMALL.entries
        assert sum(map(len, written.values())) <= SMALL.total
