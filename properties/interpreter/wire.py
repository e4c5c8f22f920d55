"""Frames of bytes between the grader and the child: a small JSON header and raw arrays. Nothing is ever unpickled.

    magic (4 bytes)  length of the header (4)  length of the payload (8)  header  payload

The header's "arrays" lists dtype and shape of each array, whose bytes follow each other in the payload. A frame is
checked before it is read: dtypes come from a list, shapes and sizes are bounded, and the bytes must be as many as the
shapes say.

Headers begin with the number of the request. What follows it is the same for every hand-in that is right, so that
both sides keep what they made of it: a request's frame is built once, and a reply's header is checked once.
"""

import functools
import json
import math
import re
import struct
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np

from properties.interpreter.reply import DTYPES, FAULT_KINDS, Fault, Reply, Value

MAGIC = b"RNN\x01"
LENGTHS = struct.Struct("<4sIQ")
MOST_HEADER = 1 << 18  # bytes; a header names a few hundred results
MOST_LISTED = 200  # arguments that changed, pairs that share memory, warnings; script.run gives 120 at the most
MOST_PAYLOAD = 1 << 24  # bytes; the largest reply of the model solution is below a megabyte
MOST_DIMENSIONS = 8
MOST_TEXT = 8000  # characters of one string in a reply


class Readable(Protocol):
    """What frames are read from: `read` gives so many bytes, or fewer where there are no more."""

    def read(self, length: int, /) -> bytes: ...


class Malformed(Exception):
    """The bytes are not a frame, or not the reply that they should be."""


NUMBERED = re.compile(rb'\{"(reply|request)": (\d{1,9}), ')
MOST_KEPT = 1 << 13  # bytes of a header that is kept


def write(stream: BinaryIO, header: Mapping[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    """Write one frame and flush."""
    text, payload = _encoded(header, arrays)
    stream.write(LENGTHS.pack(MAGIC, len(text), len(payload)) + text + payload)
    stream.flush()


def _encoded(header: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> tuple[bytes, bytes]:
    """The header's text and the payload."""
    arrays = [array.astype(_little_endian(array.dtype), copy=False) for array in arrays]
    described = [[array.dtype.str, array.shape] for array in arrays]
    return json.dumps({**header, "arrays": described}).encode(), b"".join(array.tobytes() for array in arrays)


class Request(NamedTuple):
    """A script and its arrays as a frame without its number."""

    text: bytes
    payload: bytes

    def frame(self, number: int) -> bytes:
        start = b'{"request": %d, ' % number
        length = len(start) + len(self.text)
        return LENGTHS.pack(MAGIC, length, len(self.payload)) + start + self.text + self.payload


def request(lines: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Request:
    """What asks for a script."""
    text, payload = _encoded({"lines": list(lines), "names": list(arrays)}, list(arrays.values()))
    return Request(text.removeprefix(b"{"), payload)


_dtype = functools.cache(np.dtype)


@functools.cache
def _little_endian(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("<")


def read(stream: Readable) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """Read one frame: its header and its arrays, plain and writable; None where the stream ends. Raises Malformed."""
    frame = _frame(stream)
    if frame is None:
        return None
    text, payload_length = frame
    header, specifications = _header(text)
    _check_length(specifications, payload_length)
    return header, [array.copy() for array in _views(_exactly(stream, payload_length), specifications)]


def read_request(stream: Readable) -> tuple[int, list[str], dict[str, np.ndarray]] | None:
    """Read one request: its number, the lines, and the arrays by name, read-only; None where the stream ends.

    It comes from the grader, and nothing of it is checked.
    """
    frame = _frame(stream)
    if frame is None:
        return None
    text, payload_length = frame
    header, payload = json.loads(text), _exactly(stream, payload_length)
    arrays, at = {}, 0
    for name, (dtype, shape) in zip(header["names"], header["arrays"], strict=True):
        arrays[name] = np.ndarray(shape, dtype, payload, at)
        at += arrays[name].nbytes
    return header["request"], header["lines"], arrays


def read_reply(stream: Readable) -> tuple[int, bytes, bytes] | None:
    """Read one reply: its number, and what `reply_of` reads; None where the stream ends. Raises Malformed."""
    frame = _frame(stream)
    if frame is None:
        return None
    text, payload_length = frame
    numbered = NUMBERED.match(text)
    if numbered is None or numbered[1] != b"reply":
        raise Malformed("what came is no reply")
    return int(numbered[2]), text[numbered.end() :], _exactly(stream, payload_length)


def reply_of(rest: bytes, payload: bytes) -> Reply:
    """The reply whose header goes on like this after its number; its arrays are read-only. Raises Malformed."""
    outline, specifications = (_outline if len(rest) <= MOST_KEPT else _outline.__wrapped__)(rest)
    _check_length(specifications, len(payload))
    return _reply(outline, _views(payload, specifications))


def _frame(stream: Readable) -> tuple[bytes, int] | None:
    """The header's text, and how long the payload is that follows."""
    start = _exactly(stream, LENGTHS.size, may_end=True)
    if not start:
        return None
    magic, header_length, payload_length = LENGTHS.unpack(start)
    if magic != MAGIC or header_length > MOST_HEADER or payload_length > MOST_PAYLOAD:
        raise Malformed("what came is not a frame")
    return _exactly(stream, header_length), payload_length


def _header(text: bytes) -> tuple[dict[str, Any], "Specifications"]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("the header is not JSON") from error
    described = header.pop("arrays", None) if isinstance(header, dict) else None
    if not isinstance(described, list):
        raise Malformed("the header lists no arrays")
    return header, tuple(map(_specification, described))


Specifications = tuple[tuple[np.dtype, tuple[int, ...], int], ...]
"""(dtype, shape, number of elements) of each array in a header."""


def _check_length(specifications: Specifications, payload_length: int) -> None:
    if sum(dtype.itemsize * size for dtype, _, size in specifications) != payload_length:
        raise Malformed("the payload is not as long as the arrays")


def _views(payload: bytes, specifications: Specifications) -> list[np.ndarray]:
    """The arrays that lie one after the other in the payload."""
    arrays, at = [], 0
    for dtype, shape, size in specifications:
        arrays.append(np.ndarray(shape, dtype, payload, at))
        at += dtype.itemsize * size
    return arrays


def from_reply(reply: Reply, number: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The frame that answers a request."""
    values: list[list[Any]] = []
    arrays: list[np.ndarray] = []
    for name, value in reply.values.items():
        if isinstance(value, Fault):
            values.append([name, "fault", *value])
        elif value.array is None:
            values.append([name, "other", value.type])
        else:
            values.append([name, "array", value.type])
            arrays.append(value.array)
    for name, value in reply.returned.items():
        if value.array is not None:
            values.append([name, "returned", value.type])
            arrays.append(value.array)
    rest = {"changed": reply.changed, "shared": reply.shared, "warned": reply.warned, "printed": reply.printed}
    return {"reply": number, "values": values, **rest}, arrays


class _Outline(NamedTuple):
    """A reply without its arrays: for each name a fault, a value without an array, or the type of one with."""

    values: tuple[tuple[str, Value | Fault | str], ...]
    returned: tuple[tuple[str, str], ...]
    changed: tuple[str, ...]
    shared: tuple[tuple[str, str], ...]
    warned: tuple[str, ...]
    printed: str


@functools.lru_cache(maxsize=4096)
def _outline(rest: bytes) -> tuple[_Outline, Specifications]:
    """What a reply's header says after its number. Raises Malformed for what `from_reply` could not have made."""
    header, specifications = _header(b"{" + rest)
    values: list[tuple[str, Value | Fault | str]] = []
    returned: list[tuple[str, str]] = []
    for item in _list(header.get("values")):
        name, kind, *more = _strings(item, least=3)
        if kind == "fault" and len(more) == 3 and more[0] in FAULT_KINDS:
            values.append((name, Fault(*more)))
        elif kind == "array" and len(more) == 1:
            values.append((name, more[0]))
        elif kind == "returned" and len(more) == 1:
            returned.append((name, more[0]))
        elif kind == "other" and len(more) == 1:
            values.append((name, Value(None, more[0])))
        else:
            raise Malformed("a result is neither an array nor a fault")
    if sum(isinstance(value, str) for _, value in values) + len(returned) != len(specifications):
        raise Malformed("there are not as many arrays as results that are one")
    if any(len(_list(header.get(name))) > MOST_LISTED for name in ("changed", "shared", "warned")):
        raise Malformed("a list of the reply is too long")
    shared = [_strings(pair, least=2) for pair in _list(header.get("shared"))]
    outline = _Outline(
        tuple(values),
        tuple(returned),
        tuple(_strings(header.get("changed"))),
        tuple((pair[0], pair[1]) for pair in shared),
        tuple(_strings(header.get("warned"))),
        _strings([header.get("printed")])[0],
    )
    return outline, specifications


def _reply(outline: _Outline, arrays: Sequence[np.ndarray]) -> Reply:
    left = iter(arrays)
    values = {name: Value(next(left), value) if type(value) is str else value for name, value in outline.values}
    returned = {name: Value(next(left), kind) for name, kind in outline.returned}
    return Reply(values, outline.changed, outline.shared, outline.warned, outline.printed, returned)  # type: ignore[arg-type]  # str is gone


def _exactly(stream: Readable, length: int, may_end: bool = False) -> bytes:
    data = stream.read(length)
    if len(data) != length and not (may_end and not data):
        raise Malformed("a frame is cut short")
    return data


def _specification(item: Any) -> tuple[np.dtype, tuple[int, ...], int]:
    """(dtype, shape, number of elements) of one array in a header."""
    if not (isinstance(item, list) and len(item) == 2 and item[0] in DTYPES and isinstance(item[1], list)):
        raise Malformed("an array is described by a dtype of the list and a shape")
    text, shape = item
    if len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n <= MOST_PAYLOAD for n in shape):
        raise Malformed("a shape is at most eight sizes")
    size = math.prod(shape)
    if size > MOST_PAYLOAD:
        raise Malformed("an array is too large")
    return _dtype(text), tuple(shape), size


def _list(item: Any) -> list[Any]:
    if not isinstance(item, list):
        raise Malformed("a part of the reply is not a list")
    return item


def _strings(item: Any, least: int = 0) -> list[str]:
    strings = _list(item)
    if len(strings) < least or not all(isinstance(text, str) and len(text) <= MOST_TEXT for text in strings):
        raise Malformed("a part of the reply is not a list of short strings")
    return [text if text.isprintable() else "".join(map(_shown, text)) for text in strings]


def _shown(character: str) -> str:
    """What a terminal would obey rather than show, and what UTF-8 cannot hold, becomes its escape: \\x1b."""
    if character.isprintable() or character in "\n\t" or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()
