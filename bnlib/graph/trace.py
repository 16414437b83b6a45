"""What a forward pass through a graph leaves behind: every value, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from bnlib.graph.checks import number_array

if TYPE_CHECKING:  # bnlib.graph imports this module
    from bnlib.graph import Graph


class Gradients(dict):
    """Name -> gradient; in ``edges`` what came along each edge, (source, node) -> gradient."""

    def __init__(self, gradients):
        super().__init__(gradients)
        self.edges = {}


@dataclass(frozen=True)
class Trace:
    """Every value of one forward pass: ``trace["var"]``, ``trace.output``."""

    graph: Graph
    values: dict
    given: dict  # what replaced a value, or an input of one node

    def __getitem__(self, name):
        return self.values[name]

    @property
    def output(self) -> np.ndarray:
        """The value of the last node."""
        return self.values[self.graph.output]

    def seen_by(self, node):
        """Return the values of a node's inputs."""
        edges = [(source, node.name) for source in node.inputs]
        return [self.given.get(edge, self.values[edge[0]]) for edge in edges]

    def backward(self, dout: ArrayLike) -> Gradients:
        """Return the gradient of the loss with respect to every value.

        Each node passes its gradient on to its inputs. A value that is used twice receives two
        gradients, and they add up.

        Parameters
        ----------
        dout : array
            Upstream gradient, of the output's shape.

        Returns
        -------
        Gradients

        Raises
        ------
        ValueError
            If dout does not have the output's shape, or a vjp returns a wrong one.
        """
        dout = number_array(dout, "dout")
        if dout.shape != self.output.shape:
            raise ValueError(
                f"dout must have the shape of {self.graph.output}, {self.output.shape}; "
                f"got shape {dout.shape}"
            )
        gradients = Gradients({name: np.zeros_like(v) for name, v in self.values.items()})
        gradients[self.graph.output] = dout
        for name, node in reversed(self.graph.nodes.items()):
            if name in self.given:
                continue
            inputs = self.seen_by(node)
            passed_on = node.vjp(gradients[name], self.values[name], *inputs)
            for source, gradient in zip(node.inputs, passed_on, strict=True):
                edge = source, name
                gradients.edges[edge] = gradients.edges.get(edge, 0) + gradient
                if edge not in self.given:
                    gradients[source] = gradients[source] + gradient
        return gradients

    def function_of(self, place):
        """Return the output as a function of one value, for the numerical check of its gradient.

        The place is an input, a node, or an edge (source, node): one use of a value.
        """
        inputs = {name: self.values[name] for name in self.graph.inputs}
        return lambda v: self.graph.forward(replace={**self.given, place: v}, **inputs).output

    def table(self, gradients=None):
        """Return the graph's table with the values' sizes, and the gradients' if given."""
        columns = {} if gradients is None else {"gradient's sizes": gradients}
        return self.graph.table(sizes=self.values, **columns)
