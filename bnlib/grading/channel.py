"""Messages between two processes of which one does not trust the other: JSON, and raw numbers.

A message is a dictionary of what `encode` knows: numbers, texts, arrays, tuples and lists of them.
Nothing is pickled, so nothing that arrives can run. An array goes with its strides, since an answer
may be right in one memory layout only. A function stays where it is; the other side calls it by its
number.
"""

import builtins
import json
import struct
import time

import numpy as np

HEAD = struct.Struct(">II")  # bytes of JSON, bytes of numbers
LONGEST = 2**24  # bytes of a message; a batch has at most a few thousand numbers
MOST = 10**5  # items of a list
SEND_SECONDS = 60  # until the other side takes it
KINDS = "biufcUSmM"
NAMED = {"Ellipsis": ..., "NotImplemented": NotImplemented}


class BrokenError(Exception):
    """What came is no message: the other side has ended, or talks nonsense."""


class LateError(Exception):
    """Nothing came in time."""


class Channel:
    """One end of a socket; functions is what the other side may call."""

    def __init__(self, socket):
        self.socket = socket

    def send(self, **message):
        """Send a message; return the functions in it, by number."""
        numbers, functions = [], []
        text = json.dumps({k: encode(v, numbers, functions) for k, v in message.items()}).encode()
        body = b"".join(numbers)
        self.socket.settimeout(SEND_SECONDS)
        try:
            self.socket.sendall(HEAD.pack(len(text), len(body)) + text + body)
        except OSError as error:
            raise BrokenError(str(error)) from error
        return functions

    def receive(self, seconds=None):
        """Return the next message.

        Raises
        ------
        LateError
            If it has not come in so many seconds.
        BrokenError
            If the other side has closed the channel, or what comes is no message.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        text, body = HEAD.unpack(self._exactly(HEAD.size, deadline))
        if max(text, body) > LONGEST:
            raise BrokenError("a message that is too long")
        try:
            tree = json.loads(self._exactly(text, deadline))
            numbers = self._exactly(body, deadline)
            return {k: decode(v, numbers, self._caller) for k, v in tree.items()}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise BrokenError(f"no message: {error}") from error

    def _exactly(self, count, deadline):
        pieces, missing = [], count
        while missing:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise LateError
            self.socket.settimeout(left)
            try:
                pieces.append(self.socket.recv(min(missing, 2**20)))
            except TimeoutError:
                raise LateError from None
            except OSError as error:
                raise BrokenError(str(error)) from error
            if not pieces[-1]:
                raise BrokenError("the channel is closed")
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _caller(self, number):
        """Return a function that calls the other side's, and waits for its result."""

        def call(*values, **by_keyword):
            self.send(callback=number, values=values, by_keyword=by_keyword)
            answer = self.receive()
            if "raised" in answer:
                raise _exception(answer["raised"])(answer["said"])
            return answer["value"]

        return call


def _exception(name):
    """Return Python's own exception of this name, or RuntimeError."""
    found = getattr(builtins, name, None)
    plain = isinstance(found, type) and issubclass(found, Exception)
    return found if plain and not issubclass(found, UnicodeError) else RuntimeError


def encode(value, numbers, functions):
    """Return a value as JSON; raw numbers and functions are added to the two lists."""
    if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
        return _number(value) if type(value) is int else value
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in KINDS:
        return _array(value, numbers)
    if type(value) is dict:
        pairs = [[str(k), encode(v, numbers, functions)] for k, v in value.items()]
        return {"is": "dict", "pairs": pairs}
    if isinstance(value, (tuple, list)) and len(value) <= MOST:
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"is": kind, "items": [encode(item, numbers, functions) for item in value]}
    if isinstance(value, complex):
        return {"is": "complex", "parts": [value.real, value.imag]}
    for name, one in NAMED.items():
        if value is one:
            return {"is": name}
    if callable(value):
        functions.append(value)
        return {"is": "function", "number": len(functions) - 1}
    return {"is": "other", "type": type(value).__name__}


def _number(value):
    return value if value.bit_length() < 4000 else {"is": "other", "type": "int"}


def _array(value, numbers):
    array = np.asarray(value)
    start = sum(map(len, numbers))
    if start + array.nbytes > LONGEST:
        return {"is": "other", "type": f"array of shape {array.shape}"}
    numbers.append(array.tobytes())
    return {
        "is": "array" if isinstance(value, np.ndarray) else "scalar",
        "type": array.dtype.str,
        "shape": array.shape,
        "strides": array.strides,
        "locked": not array.flags.writeable,
        "start": start,
    }


def decode(tree, numbers, caller):
    """Return the value that was encoded; caller makes a function of its number."""
    if not isinstance(tree, dict):
        return tree
    kind = tree["is"]
    if kind in ("array", "scalar"):
        return _decoded_array(tree, numbers)
    if kind in ("tuple", "list"):
        items = [decode(item, numbers, caller) for item in tree["items"]]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict":
        return {str(k): decode(v, numbers, caller) for k, v in tree["pairs"]}
    if kind == "complex":
        return complex(*tree["parts"])
    if kind == "function":
        return caller(int(tree["number"]))
    if kind == "other":
        return type(str(tree["type"])[:80].replace("\0", ""), (), {})()
    return NAMED[kind]


def _decoded_array(tree, numbers):
    """Return the array: a copy, laid out in memory as it was."""
    dtype, shape = np.dtype(tree["type"]), tuple(map(int, tree["shape"]))
    if dtype.kind not in KINDS or dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise ValueError(f"an array of {dtype}, shape {shape}")
    count = int(np.prod(shape, dtype=object))
    flat = np.frombuffer(numbers, dtype, count, tree["start"]) if count else np.empty(0, dtype)
    if tree["is"] == "scalar":
        return flat[0]
    array = _laid_out(shape, dtype, tuple(map(int, tree["strides"])))
    array[...] = flat.reshape(shape)
    array.flags.writeable = not tree["locked"]
    return array


def _laid_out(shape, dtype, strides):
    """Return an empty array with these strides; in C order if they are unusual."""
    reaches = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    low = -sum(reach for reach in reaches if reach < 0)
    size = low + sum(reach for reach in reaches if reach > 0) + dtype.itemsize
    usual = 0 not in shape and all(s or n == 1 for n, s in zip(shape, strides, strict=True))
    if not usual or size > LONGEST:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, bytearray(size), low, strides)
