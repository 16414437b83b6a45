"""The sweeps through memory, compiled: they need Numba."""

from llvmlite import ir
from numba import njit, prange
from numba.core import cgutils, types
from numba.extending import intrinsic

OPTIONS = {"parallel": True, "fastmath": True, "error_model": "numpy", "cache": True}


@intrinsic
def _store_past_the_cache(typingctx, array, index, value):
    """Set array[index] = value with a hint to the processor not to keep it."""

    def build(context, builder, signature, arguments):
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(context, builder, kind, view, [arguments[1]])
        number = context.cast(builder, arguments[2], signature.args[2], kind.dtype)
        store = builder.store(number, place)
        store.set_metadata(
            "nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        )
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), build


@njit(**OPTIONS)
def sweep(x, y):
    """Set y = x + 1."""
    for i in prange(x.size):
        y[i] = x[i] + x.dtype.type(1)


@njit(**OPTIONS)
def sweep_two(x, dout, dx):
    """Set dx = x + dout."""
    for i in prange(x.size):
        dx[i] = x[i] + dout[i]


@njit(**OPTIONS)
def stream(x, y):
    """Set y = x + 1, past the cache."""
    for i in prange(x.size):
        _store_past_the_cache(y, i, x[i] + x.dtype.type(1))


@njit(**OPTIONS)
def stream_two(x, dout, dx):
    """Set dx = x + dout, past the cache."""
    for i in prange(x.size):
        _store_past_the_cache(dx, i, x[i] + dout[i])
