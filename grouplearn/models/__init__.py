"""Networks: linear group networks and their controls, and encoder-decoders of tokens."""

from grouplearn.models.lgcnn import LGCNN
from grouplearn.models.lgn import LGN, Codes, LGNShape
from grouplearn.models.pattern import Pattern
from grouplearn.models.plain import PlainCNN
from grouplearn.models.sequence_network import SequenceNetwork
from grouplearn.models.sequence_pattern import SequencePattern
from grouplearn.models.slots import CanonicalNames, Slots
from grouplearn.models.standardised import Standardised
from grouplearn.models.symmetrized import Symmetrized
from grouplearn.models.translators import (
    RecurrentTranslator,
    SlotTranslator,
    TransformerTranslator,
    Translator,
    translated,
)

__all__ = [
    "LGCNN", "LGN", "CanonicalNames", "Codes", "LGNShape", "Pattern", "PlainCNN",
    "RecurrentTranslator", "SequenceNetwork", "SequencePattern", "SlotTranslator", "Slots",
    "Standardised", "Symmetrized", "TransformerTranslator", "Translator", "translated",
]  # fmt: skip
