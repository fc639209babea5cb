"""What a matrix or a learned action does, in words and numbers."""

from grouplearn.interpret.describe import ActionDescription, Description, describe
from grouplearn.interpret.operations import Family, Operation
from grouplearn.interpret.structure import structure_scores

__all__ = [
    "ActionDescription", "Description", "Family", "Operation", "describe", "structure_scores",
]  # fmt: skip
