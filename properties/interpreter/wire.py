"""Frames of bytes between the grader and the child: a small JSON header and raw arrays. Nothing is ever unpickled.

    magic (4 bytes)  length of the header (4)  length of the payload (8)  header  payload

The header's "arrays" lists dtype and shape of each array, whose bytes follow each other in the payload. A frame is
checked before it is read: dtypes come from a list, shapes and sizes are bounded, and the bytes must be as many as the
shapes say.
"""

import functools
import json
import struct
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from properties.interpreter.reply import DTYPES, FAULT_KINDS, Fault, Reply, Value

MAGIC = b"RNN\x01"
LENGTHS = struct.Struct("<4sIQ")
MOST_HEADER = 1 << 20  # bytes; a header names a few hundred results
MOST_PAYLOAD = 1 << 24  # bytes; the largest reply of the model solution is below a megabyte
MOST_DIMENSIONS = 8
MOST_TEXT = 8000  # characters of one string in a reply


class Malformed(Exception):
    """The bytes are not a frame, or not the reply that they should be."""


def write(stream: BinaryIO, header: Mapping[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    """Write one frame and flush."""
    arrays = [array.astype(_little_endian(array.dtype), copy=False) for array in arrays]
    described = [[array.dtype.str, array.shape] for array in arrays]
    text = json.dumps({**header, "arrays": described}).encode()
    payload = [array.tobytes() for array in arrays]
    stream.write(LENGTHS.pack(MAGIC, len(text), sum(map(len, payload))) + text + b"".join(payload))
    stream.flush()


_dtype = functools.cache(np.dtype)


@functools.cache
def _little_endian(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("<")


def read(stream: BinaryIO) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """Read one frame: its header and its arrays, plain and writable; None where the stream ends. Raises Malformed."""
    start = _exactly(stream, LENGTHS.size, may_end=True)
    if not start:
        return None
    magic, header_length, payload_length = LENGTHS.unpack(start)
    if magic != MAGIC or header_length > MOST_HEADER or payload_length > MOST_PAYLOAD:
        raise Malformed("what came is not a frame")
    try:
        header = json.loads(_exactly(stream, header_length))
    except (ValueError, RecursionError) as error:
        raise Malformed("the header is not JSON") from error
    described = header.pop("arrays", None) if isinstance(header, dict) else None
    if not isinstance(described, list):
        raise Malformed("the header lists no arrays")
    specifications = [_specification(item) for item in described]
    if sum(dtype.itemsize * size for dtype, _, size in specifications) != payload_length:
        raise Malformed("the payload is not as long as the arrays")
    payload = _exactly(stream, payload_length)
    arrays, at = [], 0
    for dtype, shape, size in specifications:
        arrays.append(np.frombuffer(payload, dtype, size, at).reshape(shape).copy())
        at += dtype.itemsize * size
    return header, arrays


def request(lines: Sequence[str], arrays: Mapping[str, np.ndarray], number: int) -> tuple[dict[str, Any], list[Any]]:
    """The frame that asks for a script."""
    return {"request": number, "lines": list(lines), "names": list(arrays)}, list(arrays.values())


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
    rest = {"changed": reply.changed, "shared": reply.shared, "warned": reply.warned, "printed": reply.printed}
    return {"reply": number, "values": values, **rest}, arrays


def to_reply(header: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Reply:
    """The reply in a frame. Raises Malformed for anything that `from_reply` could not have made."""
    left = list(reversed(arrays))
    values: dict[str, Value | Fault] = {}
    for item in _list(header.get("values")):
        name, kind, *rest = _strings(item, least=3)
        if kind == "fault" and len(rest) == 3 and rest[0] in FAULT_KINDS:
            values[name] = Fault(*rest)
        elif kind == "array" and len(rest) == 1 and left:
            values[name] = Value(left.pop(), rest[0])
        elif kind == "other" and len(rest) == 1:
            values[name] = Value(None, rest[0])
        else:
            raise Malformed("a result is neither an array nor a fault")
    if left:
        raise Malformed("there are more arrays than results")
    shared = [_strings(pair, least=2) for pair in _list(header.get("shared"))]
    return Reply(
        values,
        tuple(_strings(header.get("changed"))),
        tuple((pair[0], pair[1]) for pair in shared),
        tuple(_strings(header.get("warned"))),
        _strings([header.get("printed")])[0],
    )


def _exactly(stream: BinaryIO, length: int, may_end: bool = False) -> bytes:
    data = stream.read(length)
    if len(data) != length and not (may_end and not data):
        raise Malformed("a frame is cut short")
    return data


def _specification(item: Any) -> tuple[np.dtype, tuple[int, ...], int]:
    """(dtype, shape, number of elements) of one array in a header."""
    if not (isinstance(item, list) and len(item) == 2 and item[0] in DTYPES and isinstance(item[1], list)):
        raise Malformed("an array is described by a dtype of the list and a shape")
    text, shape = item
    if len(shape) > MOST_DIMENSIONS:
        raise Malformed("a shape is at most eight sizes")
    size = 1
    for n in shape:
        if type(n) is not int or not 0 <= n <= MOST_PAYLOAD:
            raise Malformed("a shape is at most eight sizes")
        size *= n
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
