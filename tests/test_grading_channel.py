"""What passes between the two processes arrives as it was, and nothing else does."""

import json
import socket
from fractions import Fraction

import numpy as np
import pytest

from bnlib import exercises
from bnlib.exercises.checker.cases import LAYOUTS
from bnlib.grading.channel import HEAD, BrokenError, Channel, LateError


@pytest.fixture
def ends():
    """Give both ends of a channel."""
    pair = socket.socketpair()
    yield [Channel(end) for end in pair]
    for end in pair:
        end.close()


def sent(ends, value):
    ends[0].send(value=value)
    return ends[1].receive(1)["value"]


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(2**70), 0.1, float("inf"), 2 - 3j, "text", ..., NotImplemented),
        *((1, (2, [3.5])), [], (), {"a": 1, "b": [2]}),
    ],
)
def test_value_arrives_as_it_was(ends, value):
    there = sent(ends, value)
    assert there == value
    assert type(there) is type(value)


@pytest.mark.parametrize("scalar", [np.float32(0.1), np.float64(2), np.int8(3), np.bool_(True)])
def test_numpy_number_keeps_its_type(ends, scalar):
    there = sent(ends, scalar)
    assert there == scalar
    assert type(there) is type(scalar)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16", "i8", "?", "U3"])
def test_array_keeps_numbers_type_and_layout(ends, layout, dtype):
    array = LAYOUTS[layout](np.arange(24.0).reshape(2, 3, 2, 2)).astype(dtype, order="K")
    there = sent(ends, array)
    np.testing.assert_array_equal(there, array)
    assert (there.dtype, there.strides) == (array.dtype, array.strides)
    assert there.flags.writeable


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1, 1)])
def test_array_without_numbers_or_axes_arrives(ends, shape):
    there = sent(ends, np.ones(shape))
    assert there.shape == shape
    assert isinstance(there, np.ndarray)


def test_array_that_must_not_be_written_to_arrives_so(ends):
    array = np.ones(3)
    array.flags.writeable = False
    assert not sent(ends, array).flags.writeable


@pytest.mark.parametrize("value", [object(), Fraction(1, 3), {1, 2}, np.array([object()])])
def test_other_values_arrive_as_their_type_alone(ends, value):
    assert type(sent(ends, value)).__name__ == type(value).__name__


def test_function_stays_and_is_called_from_there(ends):
    (function,) = ends[0].send(value={"double": lambda x, times=2: times * x})
    assert function(np.arange(3)).tolist() == [0, 2, 4]
    double = ends[1].receive(1)["value"]["double"]
    ends[0].send(value=7)  # what the side that has the function will answer
    assert double(np.arange(3), times=5) == 7
    asked = ends[0].receive(1)
    assert (asked["callback"], asked["by_keyword"]) == (0, {"times": 5})
    np.testing.assert_array_equal(asked["values"][0], [0, 1, 2])


@pytest.mark.parametrize(
    ("name", "there"),
    [("ValueError", ValueError), ("AxisError", RuntimeError), ("exit", RuntimeError)],
)
def test_exception_of_such_a_function_arrives_as_pythons_own(ends, name, there):
    ends[0].send(value=print)
    call = ends[1].receive(1)["value"]
    ends[0].send(raised=name, said="no axis")
    with pytest.raises(there, match="no axis"):
        call()


@pytest.mark.parametrize("name", [n for n, e in exercises.ALL.items() if hasattr(e, "domain")])
def test_arguments_of_every_exercise_arrive(ends, name):
    exercise = exercises.ALL[name]
    for case in exercise.domain.cases(1):
        given = case.arguments(exercise.arguments)
        ends[0].send(values=given)
        for value, there in zip(given, ends[1].receive(1)["values"], strict=True):
            assert callable(there) if callable(value) else type(there) is type(value)
            if isinstance(value, np.ndarray):
                assert (there.dtype, there.strides) == (value.dtype, value.strides)
                np.testing.assert_array_equal(there, value)
            elif not callable(value):
                assert there == value


def raw(tree, numbers=b""):
    text = json.dumps(tree).encode()
    return HEAD.pack(len(text), len(numbers)) + text + numbers


ARRAY = {"is": "array", "type": "<f8", "shape": [2], "strides": [8], "locked": False, "start": 0}


@pytest.mark.parametrize(
    "message",
    [
        HEAD.pack(2**31, 0),
        HEAD.pack(3, 0) + b"{{{",
        HEAD.pack(10**5, 0) + b"[" * 10**5,
        raw([1, 2]),
        raw({"value": {"is": "secret"}}),
        raw({"value": {"is": "array"}}),
        raw({"value": ARRAY}),  # without the numbers
        raw({"value": {**ARRAY, "type": "O"}}, bytes(16)),
        raw({"value": {**ARRAY, "shape": [-2]}}, bytes(16)),
        raw({"value": {**ARRAY, "shape": [10**15]}}, bytes(16)),
        raw({"value": {**ARRAY, "start": -8}}, bytes(16)),
        raw({"value": {**ARRAY, "type": "V0"}}, bytes(16)),
    ],
)
def test_nonsense_is_refused(ends, message):
    ends[0].socket.sendall(message)
    with pytest.raises(BrokenError):
        ends[1].receive(1)


def test_unusual_strides_are_not_followed(ends):
    ends[0].socket.sendall(raw({"value": {**ARRAY, "strides": [10**12]}}, bytes(16)))
    assert ends[1].receive(1)["value"].strides == (8,)


def test_silence_is_noticed_and_a_closed_end_too(ends):
    with pytest.raises(LateError):
        ends[1].receive(0.01)
    ends[0].socket.sendall(b"\0\0")
    with pytest.raises(LateError):
        ends[1].receive(0.01)
    ends[0].socket.close()
    with pytest.raises(BrokenError):
        ends[1].receive(1)
