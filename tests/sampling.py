"""Which of many alike tests run in make test; make test-all runs them all."""

import pytest

STEP = 6


def sampled(cases, step=STEP):
    """Return parameters of which every step-th runs in make test, the first among them."""
    cases = list(cases)
    rest = [pytest.param(*as_tuple(one), marks=pytest.mark.slow) for one in cases]
    return [one if k % step == 0 else rest[k] for k, one in enumerate(cases)]


def as_tuple(one):
    """Return the values of a test's parameters, of which one may stand alone."""
    return one if isinstance(one, tuple) else (one,)


PARTS = sampled(range(STEP))  # values[part::STEP]: the first part in make test
