"""Frames of bytes: what is written is read again, and anything else raises Malformed and costs next to nothing."""

import contextlib
import io
import json
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from properties.interpreter import wire
from properties.interpreter.reply import DTYPES, FAULT_KINDS, Fault, Reply, Value
from properties.interpreter.wire import LENGTHS, MAGIC, MOST_HEADER, MOST_LISTED, MOST_PAYLOAD, MOST_TEXT, Malformed


@st.composite
def arrays(draw):
    """Arrays of every listed dtype, of up to four dimensions, sizes of 0 among them."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    size = int(np.prod(shape)) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(raw, dtype).reshape(shape) if dtype.kind != "b" else np.zeros(shape, bool)


texts = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20).filter(str.isprintable)
values = (
    st.builds(Value, arrays(), texts)
    | st.builds(Value, st.none(), texts)
    | st.builds(Fault, st.sampled_from(FAULT_KINDS), texts, texts)
)
replies = st.builds(
    Reply,
    st.dictionaries(texts, values, max_size=4),
    st.lists(texts, max_size=3).map(tuple),
    st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
    texts,
    st.dictionaries(texts, st.builds(Value, arrays(), texts), max_size=2),
)


def frame_of(header, arrays=()):
    stream = io.BytesIO()
    wire.write(stream, header, arrays)
    return stream.getvalue()


def raw_frame(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return LENGTHS.pack(MAGIC, len(text), len(payload)) + text + payload


def read(frame):
    return wire.read(io.BytesIO(frame))


def read_reply(frame):
    found = wire.read_reply(io.BytesIO(frame))
    return None if found is None else wire.reply_of(*found[1:])


def same(one, other):
    """Two arrays of one dtype and shape, equal bit by bit, or two other values that are equal."""
    if isinstance(one, Value) and one.array is not None:
        mine, its = one.array, other.array
        return (mine.dtype, mine.shape, mine.tobytes(), one.type) == (its.dtype, its.shape, its.tobytes(), other.type)
    return one == other


@given(st.lists(arrays(), max_size=4))
def test_arrays_come_through_bit_by_bit(given_arrays):
    """Arrays of any listed dtype and shape come back equal, owned and writable."""
    header, found = read(frame_of({"request": 1}, given_arrays))

    assert header == {"request": 1}
    assert [(a.dtype, a.shape, a.tobytes()) for a in found] == [(a.dtype, a.shape, a.tobytes()) for a in given_arrays]
    assert all(type(a) is np.ndarray and a.flags.writeable and a.flags.owndata for a in found)


@given(replies, st.integers(0, 10**6))
def test_a_reply_comes_through(reply, number):
    """A reply comes back as it was, with the number of its request."""
    found, *parts = wire.read_reply(io.BytesIO(frame_of(*wire.from_reply(reply, number))))
    again = wire.reply_of(*parts)

    assert found == number
    assert again[1:5] == reply[1:5]
    for results, own in ((again.values, reply.values), (again.returned, reply.returned)):
        assert list(results) == list(own)
        assert all(same(results[name], value) for name, value in own.items())


def test_a_request_comes_through():
    """A request's lines, names and arrays come back, an array in any order of memory and of bytes."""
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3)).astype(">f8")
    header, (found,) = read(wire.request(["h_t = cell.forward(x)"], {"x": x}).frame(7))

    assert header == {"request": 7, "lines": ["h_t = cell.forward(x)"], "names": ["x"]}
    np.testing.assert_array_equal(found, x)


def test_frames_follow_each_other():
    """Frames are read one after the other, and the end of the stream is None."""
    stream = io.BytesIO(frame_of({"a": 1}, [np.ones(2)]) + frame_of({"b": 2}))

    assert [wire.read(stream)[0], wire.read(stream)[0], wire.read(stream)] == [{"a": 1}, {"b": 2}, None]


WHOLE = frame_of(*wire.from_reply(Reply({"h_t": Value(np.ones((2, 2)), "ndarray")}, (), (), (), ""), 0))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_flipped_byte_raises_nothing_but_malformed(at, mask):
    """A frame with a byte changed is read as a reply, or raises Malformed."""
    frame = bytearray(WHOLE)
    frame[at] ^= mask
    with contextlib.suppress(Malformed):
        read_reply(bytes(frame))


@pytest.mark.parametrize("at", range(LENGTHS.size))
def test_a_changed_length_or_magic_is_malformed(at):
    """A frame whose first sixteen bytes are changed anywhere is Malformed."""
    frame = bytearray(WHOLE)
    frame[at] ^= 1
    with pytest.raises(Malformed):
        read_reply(bytes(frame))


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_a_frame_cut_short_is_malformed(length):
    """A frame without its last bytes is Malformed, wherever it is cut."""
    with pytest.raises(Malformed):
        read(WHOLE[:length])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_frame_raise_nothing_but_malformed(data):
    """Any bytes, with and without the right beginning, are no frame or Malformed."""
    for frame in (data, MAGIC + data, raw_frame(data)):
        with contextlib.suppress(Malformed):
            read_reply(frame)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
sizes = st.integers(-1, 3) | st.sampled_from((MOST_PAYLOAD, 2**63, 1.0, True, "2", None))
described = st.lists(
    st.tuples(st.sampled_from((*DTYPES, "|O", "<f16", "<U1", "", None)), st.lists(sizes, max_size=9)), max_size=3
)


@given(json_values, described | json_values, json_values, st.binary(max_size=64))
def test_a_forged_header_raises_nothing_but_malformed(all_values, array_list, shared, payload):
    """A frame of JSON that nobody would write is a reply or Malformed."""
    header = {"reply": 0, "values": all_values, "arrays": array_list, "shared": shared, "changed": [], "warned": []}
    for forged in (header, header | {"printed": ""}, all_values):
        with contextlib.suppress(Malformed):
            read_reply(raw_frame(forged, payload))


@pytest.mark.parametrize(
    "item",
    [
        ["|O", [1]], ["<U4", [2]], ["<f16", [1]], ["V8", [1]], [">f8", [1]], ["float64", [1]],
        ["<f8", [-1]], ["<f8", [1.0]], ["<f8", [True]], ["<f8", ["1"]], ["<f8", 1], ["<f8"], "<f8", {},
        ["<f8", [1] * 9], ["<f8", [2**40]], ["<f8", [2**14, 2**15]], [["<f8"], [1]], [None, [1]],
    ],
    ids=str,
)  # fmt: skip
def test_an_array_that_is_not_of_the_list_is_malformed(item):
    """Another dtype, a shape that is none, and a size past the bound are Malformed, whatever the payload."""
    with pytest.raises(Malformed):
        read(raw_frame({"arrays": [item]}, bytes(8)))


def test_an_empty_array_of_an_impossible_shape_is_malformed():
    """A shape with a zero and sizes whose product overflows is Malformed, though it has no elements."""
    with pytest.raises(Malformed):
        read(raw_frame({"arrays": [["<f8", [0, 2**27, 2**27, 2**27]]]}))


@pytest.mark.parametrize("payload", [b"", bytes(7), bytes(9), bytes(16)])
def test_a_payload_of_another_length_is_malformed(payload):
    """The payload has as many bytes as the arrays have, and no more."""
    with pytest.raises(Malformed):
        read(raw_frame({"arrays": [["<f8", [1]]]}, payload))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b"{}",
        b"{",
        b"\xff\xfe",
        b'{"arrays": {}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1" * 5000,
    ],
    ids=lambda text: f"{text[:8]!r} of {len(text)}",
)
def test_a_header_that_is_no_object_is_malformed(text):
    """A header that is not JSON, too deep, or no object with a list of arrays, is Malformed."""
    with pytest.raises(Malformed):
        read(raw_frame(text))


REPLY = json.loads(json.dumps(wire.from_reply(Reply({}, (), (), (), ""), 0)[0]))


@pytest.mark.parametrize(
    "change",
    [
        {"values": None}, {"values": {}}, {"values": [["h_t"]]}, {"values": [["h_t", "array", "ndarray"]]},
        {"values": [["h_t", "pickle", "x"]]}, {"values": [["h_t", "fault", "dreadful", "x", "y"]]},
        {"values": [["h_t", "fault", "raised", "x"]]}, {"values": [["h_t", "other", 1]]},
        {"values": [[1, "other", "x"]]},
        {"values": [["h_t", "other", "x" * (MOST_TEXT + 1)]]}, {"values": ["abc"]},
        {"changed": "x"}, {"changed": [1]}, {"changed": None}, {"shared": [["a"]]}, {"shared": [1]}, {"warned": {}},
        {"shared": [["a", "b"]] * (MOST_LISTED + 1)}, {"changed": ["a"] * (MOST_LISTED + 1)},
        {"printed": None}, {"printed": 1}, {"printed": "x" * (MOST_TEXT + 1)},
    ],
    ids=lambda change: str(change)[:60],
)  # fmt: skip
def test_a_reply_of_other_parts_is_malformed(change):
    """A result of no known kind, a missing array, a text that is none or too long: Malformed."""
    assert read_reply(frame_of(REPLY)) == Reply({}, (), (), (), "")
    with pytest.raises(Malformed):
        read_reply(frame_of({**REPLY, **change}))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"), ("80 / 80\r", "80 / 80\\r"), ("\ud800", "\\ud800"), ("\u202eab", "\\u202eab"),
        ("two\nlines\tand 你好\u3000é", "two\nlines\tand 你好\u3000é"),
    ],
)  # fmt: skip
def test_what_a_terminal_would_obey_is_told_by_its_escape(said, shown):
    """Control characters and halves of characters arrive as escapes, and what people write as it is."""
    reply = Reply({"h_t": Fault("raised", said, said)}, (), (), (said,), said)
    again = read_reply(frame_of(*wire.from_reply(reply, 0)))

    assert (again.printed, again.warned) == (shown, (shown,))
    assert again.values["h_t"] == Fault("raised", shown, shown)


def test_more_arrays_than_results_are_malformed():
    """Every array of a reply belongs to a result."""
    with pytest.raises(Malformed):
        read_reply(frame_of(REPLY, [np.ones(1)]))


@pytest.mark.parametrize(
    "frame",
    [
        LENGTHS.pack(MAGIC, MOST_HEADER + 1, 0),
        LENGTHS.pack(MAGIC, 2**32 - 1, 2**64 - 1),
        LENGTHS.pack(MAGIC, 2, MOST_PAYLOAD + 1) + b"{}",
        raw_frame({"arrays": [["<f8", [MOST_PAYLOAD // 8]]]}),
        raw_frame({"arrays": [["<f8", [0, MOST_PAYLOAD]]] * 1000}, bytes(8)),
    ],
)
def test_a_frame_that_claims_much_costs_little(frame):
    """A frame that announces gigabytes and brings none is Malformed before they are asked for."""
    tracemalloc.start()
    with pytest.raises(Malformed):
        read(frame)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 4 * MOST_HEADER


@example(struct.pack("<4sIQ", MAGIC, 2, 0) + b"{}")
@given(st.binary(min_size=16, max_size=64))
def test_what_is_read_was_there(data):
    """Reading takes no bytes past the frame's own."""
    stream = io.BytesIO(WHOLE + data)
    wire.read(stream)

    assert stream.read() == data
