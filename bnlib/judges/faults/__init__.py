"""Wrong implementations, each with a name: the mistakes that a check has to catch.

A judge: it imports nothing from the mathematics. A right implementation is a recipe, and a fault
is the recipe with one step replaced, so that the catalogue shows a mistake as the line that is
wrong. The modules beside this one hold the rows; here they become one catalogue.

>>> import numpy as np
>>> fault = CATALOGUE["variance divided by m - 1"]
>>> fault.kind, fault.mistake
('forward', 'The variance is divided by m - 1; it must be divided by m.')
>>> x = np.array([1.0, 3.0]).reshape(2, 1, 1, 1)
>>> fault.function(x, np.ones(1), np.zeros(1), 0.0).ravel().round(4)
array([-0.7071,  0.7071])
"""

from types import MappingProxyType

from bnlib.judges.faults.backward import BACKWARD
from bnlib.judges.faults.forward import FORWARD
from bnlib.judges.faults.groups import OTHER_NORM
from bnlib.judges.faults.recipes import RECIPES, Fault, faults
from bnlib.judges.faults.updates import RUNNING

__all__ = ["CATALOGUE", "RECIPES", "Fault", "of_task"]

CATALOGUE = MappingProxyType(
    {
        fault.name: fault
        for fault in [
            *faults("forward", "forward", FORWARD),
            *faults("backward", "backward", BACKWARD),
            *faults("running", "running", RUNNING),
            *faults("other norm", "group", OTHER_NORM),
        ]
    }
)


def of_task(task):
    """Return the faults that get this recipe wrong: "forward", "backward", "running", "group"."""
    return [fault for fault in CATALOGUE.values() if fault.task == task]
