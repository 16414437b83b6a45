"""The mistakes of reshaping (N, C, H, W), which belong to every exercise with images."""

import numpy as np

from bnlib.exercises.checker.slips import Mistake

MIXED = "A reshape alone mixes the channels; first move their axis to the {}."
BACK = "A reshape alone brings numbers to wrong places; split into the axes first, then move C."


def reshaped(answer):
    """Return the mistakes of a table or of rows made from (N, C, H, W) without a transpose.

    In such a table stands what is right for a table. On the way back it is reshaped, or its
    channels are moved to their place.
    """
    return [
        Mistake(name, sentence, lambda *values, ways=ways: _through(answer, values, *ways))
        for name, sentence, *ways in (
            ("reshaped without a transpose", MIXED.format("end"), _mixed_columns, _reshaped_back),
            ("reshaped without a transpose", MIXED.format("end"), _mixed_columns, _columns_back),
            ("reshaped without a transpose", MIXED.format("front"), _mixed_rows, _reshaped_back),
            ("reshaped without a transpose", MIXED.format("front"), _mixed_rows, _rows_back),
            ("reshaped back without a transpose", BACK, _columns, _reshaped_back),
            ("reshaped back without a transpose", BACK, _rows, _reshaped_back),
        )
    ]


def _through(answer, values, there, back):
    """Call an answer with images of one position each, and bring its images back."""
    shapes = [v.shape for v in values if np.ndim(v) == 4]
    if not shapes:
        raise ValueError("no images to reshape")
    results = answer(*(there(v) if np.ndim(v) == 4 else v for v in values))
    parts = results if isinstance(results, tuple) else (results,)
    parts = tuple(back(part, shapes[0]) if np.ndim(part) == 4 else part for part in parts)
    return parts if isinstance(results, tuple) else parts[0]


def _mixed_columns(x):
    return x.reshape(-1, x.shape[1], 1, 1)


def _mixed_rows(x):
    return x.reshape(1, x.shape[1], -1, 1)


def _columns(x):
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1], 1, 1)


def _rows(x):
    return np.moveaxis(x, 1, 0).reshape(1, x.shape[1], -1, 1)


def _reshaped_back(part, shape):
    return part.reshape(shape)


def _columns_back(part, shape):
    n, c, h, w = shape
    return np.moveaxis(part.reshape(n, h, w, c), -1, 1)


def _rows_back(part, shape):
    n, c, h, w = shape
    return np.moveaxis(part.reshape(c, n, h, w), 0, 1)
