"""Networks: linear group networks and their controls."""

from grouplearn.models.lgcnn import LGCNN
from grouplearn.models.lgn import LGN, Codes, LGNShape
from grouplearn.models.pattern import Pattern
from grouplearn.models.plain import PlainCNN
from grouplearn.models.sequence_network import SequenceNetwork
from grouplearn.models.sequence_pattern import SequencePattern
from grouplearn.models.standardised import Standardised
from grouplearn.models.symmetrized import Symmetrized

__all__ = [
    "LGCNN", "LGN", "Codes", "LGNShape", "Pattern", "PlainCNN", "SequenceNetwork",
    "SequencePattern", "Standardised", "Symmetrized",
]  # fmt: skip
