"""What a matrix or a learned action does, in words and numbers."""

from grouplearn.interpret.describe import ActionDescription, Description, describe
from grouplearn.interpret.distances import (
    character_distance,
    intertwiner_distance,
    spectral_distance,
)
from grouplearn.interpret.operations import Operation, OperationFamily
from grouplearn.interpret.structure import structure_scores

__all__ = [
    "ActionDescription", "Description", "Operation", "OperationFamily", "character_distance",
    "describe", "intertwiner_distance", "spectral_distance", "structure_scores",
]  # fmt: skip
