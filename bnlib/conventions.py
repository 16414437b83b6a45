"""What frameworks disagree on, as data: one `Convention` for each of five, and for variants.

All five normalize a training batch by its own mean and biased variance. They differ in eps, in
how running statistics are kept, and at the edges. Each preset is what the framework was seen to
do (CS231N: what its formulas give); tests/golden holds what the frameworks answered.

>>> from dataclasses import replace
>>> flipped = replace(PYTORCH, name="PyTorch, flipped", weighs="old")
>>> PYTORCH.weights(batches=1), flipped.weights(batches=1)
((0.9, 0.1), (0.1, 0.9))
"""

from dataclasses import dataclass, replace
from math import inf, isfinite
from numbers import Real

import numpy as np

from bnlib.explanation import explained

CHOICES = {
    "weighs": ("old", "new"),
    "divisor": ("m", "m - 1"),
    "evaluation": ("running", "batch"),
    "one_value": ("beta", "error"),
    "empty_batch": ("kept", "nan", "error"),
    "non_finite": ("warn", "skip", "error"),
}
LIMITS = {"eps": (0, inf), "momentum": (0, 1), "initial_mean": (-inf, inf), "initial_var": (0, inf)}
MAY_BE_NONE = ("momentum", "initial_mean", "initial_var")


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How a framework keeps running statistics, and uses them.

    Parameters
    ----------
    name : str
    eps : float, optional
        Added to the variance, in training and in evaluation.
    momentum : float or None, optional
        A weight between 0 and 1. None: the cumulative average, where all batches weigh the same.
    weighs : {'old', 'new'}, optional
        Which value momentum weighs: the running one, or the new batch's.
    divisor : {'m', 'm - 1'}, optional
        Of the variance that enters the running one: biased, or unbiased.
    initial_mean, initial_var : float or None, optional
        What running statistics start from. None: the caller gives them.
    evaluation : {'running', 'batch'}, optional
        The statistics that evaluation normalizes with.
    one_value : {'beta', 'error'}, optional
        Training on one value per channel: xhat is 0 and y is beta, or it is an error.
    empty_batch : {'kept', 'nan', 'error'}, optional
        Training on an empty batch: running statistics stay, become NaN, or it is an error.
    non_finite : {'warn', 'skip', 'error'}, optional
        A batch with NaN or infinity: it spoils the running statistics of its channels, as in the
        frameworks, with a warning; these channels skip it; or it is an error.

    Raises
    ------
    ValueError
        If a number is out of range, or a word is not one of those listed.
    TypeError
        If a number is something else.
    """

    name: str
    eps: float = 1e-5
    momentum: float | None = 0.9
    weighs: str = "old"
    divisor: str = "m"
    initial_mean: float | None = 0.0
    initial_var: float | None = 1.0
    evaluation: str = "running"
    one_value: str = "beta"
    empty_batch: str = "nan"
    non_finite: str = "warn"

    def __post_init__(self):
        for field, words in CHOICES.items():
            word = getattr(self, field)
            if word not in words:
                raise ValueError(f"{field} must be {' or '.join(map(repr, words))}; got {word!r}")
        for field, limits in LIMITS.items():
            number = getattr(self, field)
            if not (number is None and field in MAY_BE_NONE):
                _check_number(field, number, *limits)

    def weights(self, batches: int | np.ndarray) -> tuple:
        """Return what the old value weighs, and the new batch's, once so many have been seen."""
        if self.momentum is None:
            return (batches - 1) / batches, 1 / batches
        momentum = float(self.momentum)
        return (momentum, 1 - momentum) if self.weighs == "old" else (1 - momentum, momentum)

    def moved(self, statistics, *, to: "Convention"):
        """Return running statistics kept by this convention, for evaluation by another.

        running_var = running_var + self.eps - to.eps

        so that evaluation with to.eps gives the same outputs. A variance may then be a little
        below 0, which inference and folding take as long as running_var + to.eps is above 0.

        Parameters
        ----------
        statistics : RunningStatistics
        to : Convention

        Returns
        -------
        RunningStatistics
            In float64, with initial_share None: what they started from is not to's initial value.

        Raises
        ------
        ValueError
            If one of the two evaluates with the batch's own statistics, or running_var + self.eps
            is not above 0.
        TypeError
            If statistics or to are something else.

        Examples
        --------
        >>> from bnlib.running import RunningStatistics
        >>> keras = RunningStatistics(mean=[5.0], var=[2.0], batches=100)
        >>> KERAS.moved(keras, to=PYTORCH).var
        array([2.00099])
        """
        if not isinstance(to, Convention) or not hasattr(statistics, "initial_share"):
            kinds = f"{type(statistics).__name__} and {type(to).__name__}"
            raise TypeError(f"moved takes RunningStatistics, to=Convention; got {kinds}")
        if "batch" in (self.evaluation, to.evaluation):
            raise ValueError("moved needs conventions that evaluate with running statistics")
        var = statistics.var.astype(np.result_type(statistics.var.dtype, np.float64))
        if (var + self.eps <= 0).any():
            raise ValueError(f"running_var + eps must be above 0; got {var} and {self.eps}")
        return replace(statistics, var=var + (float(self.eps) - float(to.eps)), initial_share=None)

    def explain(self) -> str:
        """Return a text that says what this convention does, in words and formulas.

        >>> print(CS231N.explain())
        CS231N
        Training normalizes with the batch's own statistics, of m values per channel:
            mu = sum(x) / m
            var = sum((x - mu)^2) / m
            y = gamma * (x - mu) / sqrt(var + 1e-05) + beta
        After each batch, the running statistics move towards its own; momentum 0.9 weighs the old:
            running_mean = 0.9 * running_mean + 0.1 * mu
            running_var = 0.9 * running_var + 0.1 * var
        The running variance is biased: its divisor is m.
        The running mean starts from 0, the running variance from 0.
        Evaluation normalizes with the running statistics:
            y = gamma * (x - running_mean) / sqrt(running_var + 1e-05) + beta
        Training on one value per channel: its variance is 0, so y is beta.
        Training on an empty batch: the running statistics become NaN.
        """
        return "\n".join(explained(self))


def _check_number(field, number, low, high):
    if not isinstance(number, Real):
        raise TypeError(f"{field} must be a number; got {number!r}")
    if not (isfinite(number) and low <= number <= high):
        wanted = {-inf: "finite", 0: "finite and at least 0"}
        limits = wanted[low] if high == inf else f"between {low} and {high}"
        raise ValueError(f"{field} must be {limits}; got {number}")


CS231N = Convention(name="CS231N", initial_var=0.0)
PYTORCH = Convention(name="PyTorch", momentum=0.1, weighs="new", divisor="m - 1")
PYTORCH = replace(PYTORCH, one_value="error", empty_batch="kept")
KERAS = Convention(name="Keras 3", eps=1e-3, momentum=0.99)
FLAX = Convention(name="Flax", momentum=0.99)
ONNX = Convention(name="ONNX", initial_mean=None, initial_var=None)
