"""What came back from a script, as plain data: no object of the hand-in is left in it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

LARGEST_ARRAY = 1 << 22  # bytes of one result; a larger one is told by its shape alone
DTYPES = ("<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1", "<c16", "<c8")


PLAIN = (np.dtype("<f8"), np.dtype("<f4"))


class Value(NamedTuple):
    """A result: its array if it was one, and the name of its type, told to the student where it is not."""

    array: np.ndarray | None
    type: str


class Fault(NamedTuple):
    """Why there is no result.

    kind is "missing" (a file, class, method or attribute), "unwritten" (NotImplementedError), "unparsed"
    (a SyntaxError) or "raised"; where is "file:line in function", in the hand-in's own files, or "".
    """

    kind: str
    text: str
    where: str


FAULT_KINDS = ("missing", "unwritten", "unparsed", "raised")


class Reply(NamedTuple):
    """All that one script gave: a Value or a Fault for each name that its lines assign."""

    values: dict[str, Value | Fault]
    changed: tuple[str, ...]  # arguments that were changed in place
    shared: tuple[tuple[str, str], ...]  # results that share memory
    warned: tuple[str, ...]  # the first few warnings
    printed: str  # standard output and error, cut
    returned: Mapping[str, Value] = MappingProxyType({})  # arrays that no name was given to, by the first such line


def as_value(result: object) -> Value:
    """Copy a result into a Value; anything but an array of a listed dtype is known by its type alone."""
    if type(result) is np.ndarray and result.dtype in PLAIN and result.nbytes <= LARGEST_ARRAY:
        return Value(result.copy(), "ndarray")
    name = type(result).__name__[:80]
    if isinstance(result, type):
        return Value(None, f"class {result.__module__}.{result.__name__}"[:80])
    if not isinstance(result, np.ndarray | np.generic):
        return Value(None, name)
    plain = np.asarray(result)  # an ndarray and no subclass, whatever the subclass says of itself
    dtype = plain.dtype
    if dtype.kind == "f" and dtype.itemsize > 8:  # long double: its precision differs between machines
        dtype = np.dtype("<f8")
    dtype = dtype.newbyteorder("<")
    if dtype.str not in DTYPES:
        return Value(None, f"{name} of {dtype}"[:80])
    if plain.size * dtype.itemsize > LARGEST_ARRAY:
        return Value(None, f"{name} of shape {plain.shape}"[:80])
    return Value(np.array(plain, dtype=dtype, order="C"), name)
