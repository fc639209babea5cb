"""Modules of torch alone, made by writing down what a layer computes."""

from __future__ import annotations

import copy
from typing import Any

from torch import fx, nn


class _Method(nn.Module):
    """One method of a module, as a module."""

    def __init__(self, module: nn.Module, method: str) -> None:
        super().__init__()
        self.module, self._method = module, method

    def forward(self, x: Any) -> Any:
        return getattr(self.module, self._method)(x)


def traced(module: nn.Module, method: str) -> fx.GraphModule:
    """A graph of torch's own operations that computes what a method of one tensor does.

    Args:
        module: whose buffers and parameters the graph copies.
        method: name of the method; it must not depend on the values or sizes of its argument, which
            is a stand-in that writes down what is done with it.
    """
    graph = fx.symbolic_trace(_Method(copy.deepcopy(module), method)).train(module.training)
    for node in graph.graph.nodes:
        node.type = None  # an annotation is a string here, which pickle would take for a class
    graph.recompile()
    return graph
