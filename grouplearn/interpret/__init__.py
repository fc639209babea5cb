"""What a matrix or a learned action does, in words and numbers."""

from grouplearn.interpret.describe import ActionDescription, Description, describe
from grouplearn.interpret.operations import Operation, OperationFamily
from grouplearn.interpret.structure import structure_scores

__all__ = [
    "ActionDescription",
    "Description",
    "Operation",
    "OperationFamily",
    "describe",
    "structure_scores",
]  # fmt: skip
