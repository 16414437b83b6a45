"""Running statistics: what evaluation uses, kept from batch to batch by a framework's convention.

A training step under any convention is two lines, and evaluation a third:

>>> import numpy as np
>>> from bnlib.conventions import PYTORCH
>>> from bnlib.layers import batchnorm_forward, batchnorm_inference
>>> x, gamma, beta = np.array([[1.0], [2.0], [6.0]]), [1.0], [0.0]
>>> running = RunningStatistics.initial(channels=1, convention=PYTORCH)
>>> y, cache = batchnorm_forward(x, gamma, beta, eps=PYTORCH.eps)
>>> running = running.update(cache.statistics, PYTORCH)
>>> running.mean.round(3), running.var.round(3)
(array([0.3]), array([1.6]))
>>> y = batchnorm_inference(x, gamma, beta, **running.for_inference(PYTORCH))
"""

from dataclasses import dataclass, replace
from warnings import warn

import numpy as np

from bnlib import contract
from bnlib.contract import Data
from bnlib.conventions import Convention
from bnlib.statistics import BatchStatistics, Moments


@dataclass(frozen=True, eq=False)
class RunningStatistics:
    """A running mean and variance, and how they came about. A value: `update` returns the next.

    Parameters
    ----------
    mean, var : array, (C,)
    batches : int, optional
        How many batches have been seen.
        A number for each channel where some have skipped a batch.
    initial_share : float or None, optional
        What the initial values still weigh in mean and var: 1 before the first batch, 0.9^k after
        k batches of momentum 0.9, 0 if nothing is left of them. None: unknown, as in a checkpoint
        of another library; then there is no `debiased`.

    Raises
    ------
    ValueError
        If mean and var are not (C,). var may be below 0, as far as eps makes up for it: that is
        checked where it is used.
    TypeError
        If they do not hold real numbers.
    """

    mean: np.ndarray
    var: np.ndarray
    batches: int | np.ndarray = 0
    initial_share: float | np.ndarray | None = None

    def __post_init__(self):
        mean = contract.real_array(self.mean, "running mean")
        var = contract.real_array(self.var, "running_var")
        if not (mean.ndim == 1 and mean.shape == var.shape):
            raise ValueError(f"mean and var must both be (C,); got {mean.shape} and {var.shape}")
        for name, values in {"mean": mean, "var": var}.items():
            values = values.astype(values.dtype)  # a copy, of any array type
            if isinstance(values, np.ndarray):
                values.flags.writeable = False  # so it stays a value, also when handed out
            object.__setattr__(self, name, values)

    @classmethod
    def initial(cls, channels: int, convention: Convention) -> "RunningStatistics":
        """Return what so many channels start from, in float64.

        Raises
        ------
        ValueError
            If the convention leaves the initial values to the caller, as ONNX does.
        """
        if convention.initial_mean is None or convention.initial_var is None:
            wanted = "the initial values to the caller: make RunningStatistics(mean, var)"
            raise ValueError(f"{convention.name} leaves {wanted}")
        values = convention.initial_mean, convention.initial_var
        mean, var = (np.full(channels, v, np.float64) for v in values)
        return cls(mean, var, initial_share=1.0)

    def update(self, batch: BatchStatistics | Data, convention: Convention) -> "RunningStatistics":
        """Return the running statistics after one more training batch.

        running = old * running + new * batch,  with (old, new) = convention.weights(batches)

        and the batch's variance multiplied by m / (m - 1) where the convention says so. A batch
        with NaN or infinity spoils its channels for good, also with a weight of 0. That is what
        frameworks do, and what is done here, with a warning, unless the convention has another
        ``non_finite``.

        Parameters
        ----------
        batch : BatchStatistics, or array, (N, C) or (N, C, ...)
            Statistics of the batch, as `cache.statistics` of a forward pass; or the batch itself,
            whose statistics are then computed in float64, also where the batch is float32.
        convention : Convention

        Returns
        -------
        RunningStatistics

        Raises
        ------
        ValueError
            If the channels differ, or the convention calls a batch this small an error, or one
            that is not finite.

        Warns
        -----
        RuntimeWarning
            If a channel's batch statistics are not finite, and the convention keeps them.
        """
        if not isinstance(convention, Convention):
            raise TypeError(f"convention must be a Convention; got {type(convention).__name__}")
        mean, var, m = _statistics_of(batch)
        if mean.shape != self.mean.shape:
            raise ValueError(f"batch has {len(mean)} channels; expected {len(self.mean)}")
        _check_count(np.min(m), convention)
        if np.min(m) == 0 and convention.empty_batch == "kept":
            return replace(self, batches=self.batches + 1)
        if convention.divisor == "m - 1":
            var = var * (m / (m - 1))
        old, new = convention.weights(self.batches + 1)
        share = None if self.initial_share is None else old * self.initial_share
        with np.errstate(invalid="ignore"):  # 0 * infinity
            now = old * self.mean + new * mean, old * self.var + new * var, self.batches + 1, share
        finite = np.logical_and(np.isfinite(mean), np.isfinite(var))
        return self._guarded(now, finite, convention.non_finite)

    def _guarded(self, now, finite, non_finite):
        """Return what is now, with what the convention does where a batch is not finite."""
        lazy = non_finite == "warn" and not isinstance(finite, np.ndarray)
        if lazy or np.all(finite):
            return RunningStatistics(*now)
        if non_finite == "skip":
            pairs = zip(now, (self.mean, self.var, self.batches, self.initial_share), strict=True)
            now = [v if v is None else np.where(finite, v, before) for v, before in pairs]
            return RunningStatistics(*now)
        found = f"batch statistics of channels {np.flatnonzero(~finite).tolist()} are not finite"
        if non_finite == "error":
            raise ValueError(found)
        warn(f"{found}, nor running ones from now on", RuntimeWarning, stacklevel=3)
        return RunningStatistics(*now)

    def debiased(self, convention: Convention) -> "RunningStatistics":
        """Return the running statistics without what is left of the initial values.

        (running - share * initial) / (1 - share),  share = old^k after k batches

        Parameters
        ----------
        convention : Convention
            The one they were kept by; its initial values are subtracted.

        Returns
        -------
        RunningStatistics
            The weighted mean of the batches' own statistics, with initial_share 0.

        Raises
        ------
        ValueError
            If there is nothing but the initial values yet, or nobody knows how much of them; or
            if a variance comes out below 0, so that they were kept in another way.

        References
        ----------
        Kingma and Ba (2015), arXiv:1412.6980, section 3, for averages that start from 0.
        """
        share = self.initial_share
        if share is None:
            raise ValueError("initial_share is unknown: give it, 0.9**k after k of momentum 0.9")
        if np.any(np.equal(share, 1)):
            raise ValueError("there is nothing but the initial values yet: update first")
        initial = RunningStatistics.initial(len(self.mean), convention)
        mean = (self.mean - share * initial.mean) / (1 - share)
        rest = self.var - share * initial.var
        rounding = 4 * np.finfo(self.var.dtype).eps * (1 + np.max(self.batches))
        if isinstance(rest, np.ndarray) and (rest < -rounding * (share * initial.var)).any():
            found = f"channel {np.argmin(rest)} would have a negative variance"
            raise ValueError(f"{found}; is initial_share {share}, by {convention.name}?")
        return replace(self, mean=mean, var=np.maximum(rest, 0) / (1 - share), initial_share=0.0)

    def for_inference(self, convention: Convention) -> dict:
        """Return running_mean, running_var and eps, by name, for `batchnorm_inference`.

        Raises
        ------
        ValueError
            If the convention evaluates with the batch's own statistics.
        """
        if convention.evaluation == "batch":
            how = "with the batch's own statistics: use batchnorm_forward"
            raise ValueError(f"{convention.name} evaluates {how}")
        return {"running_mean": self.mean, "running_var": self.var, "eps": convention.eps}


def _statistics_of(batch):
    if isinstance(batch, BatchStatistics):
        return batch
    moments = Moments.of(batch)
    if moments.count > 0:
        return moments.statistics()
    nothing = np.full(moments.mean.shape, np.nan)
    return BatchStatistics(nothing, nothing, 0)


def _check_count(m, convention):
    if m == 0 and convention.empty_batch == "error":
        raise ValueError(f"the batch is empty, which is an error by convention {convention.name}")
    if m == 1 and convention.one_value == "error":
        raise ValueError(f"one value per channel, an error by convention {convention.name}")
    if m == 1 and convention.divisor == "m - 1":
        raise ValueError("one value per channel has no unbiased variance: it is 0/0")
