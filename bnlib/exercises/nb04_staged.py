"""The exercise of notebook 04 on the whole backward pass, walked one node at a time."""

import numpy as np

from bnlib.exercises import variants
from bnlib.exercises.checker.batches import IMAGES
from bnlib.exercises.checker.exercise import exercise
from bnlib.exercises.checker.slips import Mistake
from bnlib.graph import spatial_batchnorm_graph
from bnlib.judges import faults


def _walk(
    reciprocal=lambda s: -s * s,
    other=lambda d, s: d,
    var_share=lambda m: m,
    mean_share=lambda m: m,
):
    """Return the walk back in which one step may be replaced."""

    def walk(dout, x, gamma, eps):
        axes, m = (0, 2, 3), x.size // x.shape[1]
        d = x - x.mean(axis=axes, keepdims=True)
        s = 1 / np.sqrt((d * d).mean(axis=axes, keepdims=True) + eps)
        dxhat = gamma.reshape(1, -1, 1, 1) * dout
        ds = (other(d, s) * dxhat).sum(axis=axes, keepdims=True)
        dvar = reciprocal(s) * ds * s / 2
        dd = s * dxhat + 2 * d * dvar / var_share(m)
        dx = dd - dd.sum(axis=axes, keepdims=True) / mean_share(m)
        return dx, (d * s * dout).sum(axis=axes), dout.sum(axis=axes)

    return walk


walk_back = _walk()


@exercise(
    notebook="04",
    domain=IMAGES,
    witness=walk_back,
    returns="dx dgamma dbeta",
    hints=(
        "Compute the nine values forward first; then walk back from step 9 to step 1.",
        "x_minus_mean and x are used twice: add their gradients. Where a value was spread, sum.",
        "With d = x - mean: dvar = -0.5 * sum(dxhat * d) * one_over_sqrt_var**3; the second part "
        "is dvar * 2 * d / m; from the sum of both parts, subtract its mean over the channel.",
    ),
    mistakes=(
        Mistake(
            "step 4 not divided by m",
            "Step 4 is not divided by m; it goes back through a mean, and each square receives "
            "dvar / m.",
            _walk(var_share=lambda m: 1),
        ),
        Mistake(
            "step 1 not divided by m",
            "Step 1 is not divided by m; it goes back through a mean, and each x receives dmean "
            "/ m.",
            _walk(mean_share=lambda m: 1),
        ),
        Mistake(
            "steps 4 and 1 not divided by m",
            "Steps 4 and 1 are not divided by m; both go back through a mean.",
            _walk(var_share=lambda m: 1, mean_share=lambda m: 1),
        ),
        Mistake(
            "step 6 without the square",
            "dvar has a one_over_sqrt_var too few; the derivative of 1 / a is -1 / a^2, so it has "
            "one_over_sqrt_var**3.",
            _walk(reciprocal=lambda s: -s),
        ),
        Mistake(
            "xhat in step 7",
            "dvar has a one_over_sqrt_var too many; step 7 takes x_minus_mean, not xhat.",
            _walk(other=lambda d, s: d * s),
        ),
        *faults.of_task("backward"),
        *variants.BACKWARD,
    ),
)
def staged_backward(dout, x, gamma, eps):
    """Return dx (N, C, H, W), dgamma (C,) and dbeta (C,), one node at a time."""
    trace = spatial_batchnorm_graph(eps).forward(x=x, gamma=gamma, beta=np.zeros_like(gamma))
    gradients = trace.backward(dout)
    return gradients["x"], gradients["gamma"], gradients["beta"]
