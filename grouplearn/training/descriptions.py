"""What it takes to build a representation or a network again, as JSON beside its tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn.models import (
    LGCNN,
    LGN,
    LGNShape,
    Pattern,
    PlainCNN,
    RecurrentTranslator,
    SequenceNetwork,
    SequencePattern,
    Slots,
    SlotTranslator,
    Standardised,
    TransformerTranslator,
    Translator,
)
from grouplearn.representations import LearnedRepresentation
from grouplearn.representations.descriptions import (
    REMEDY,
    Description,
    build_group,
    build_representation,
    check_held,
    describe_representation,
)

Classes: TypeAlias = Iterable[type[LearnedRepresentation]]
_TRANSLATORS = {each.__name__: each for each in (RecurrentTranslator, TransformerTranslator)}


def describe(module: nn.Module, names: Mapping[int, str]) -> Description:
    """Describe a module of this library.

    Args:
        module: a representation or a network.
        names: of the tensors in its state, by `id`.

    Raises:
        InputError: a module of another class.
    """
    if isinstance(module, LearnedRepresentation):
        return describe_representation(module, names)
    if isinstance(module, Standardised):
        shape = list(module.mean.shape)
        return {"class": "Standardised", "network": describe(module.network, names), "shape": shape}
    if isinstance(module, LGN):
        return {"class": "LGN", "shape": asdict(module.shape)}
    if isinstance(module, PlainCNN):
        return {"class": "PlainCNN", "pattern": asdict(module.pattern)}
    if isinstance(module, LGCNN | SequenceNetwork):
        return _with_action(module, names)
    if not isinstance(module, Translator):
        refuse("save", "module", "a representation or a network of this library",
               type(module).__name__, REMEDY)  # fmt: skip
    return _of_translator(module)


def _with_action(module: LGCNN | SequenceNetwork, names: Mapping[int, str]) -> Description:
    """Describe a network that a group acts on."""
    if isinstance(module, LGCNN):
        reps = module.layer_representations()
        distinct = list(dict.fromkeys(reps))
        return {
            "class": "LGCNN", "pattern": asdict(module.pattern),
            "representations": [describe(rep, names) for rep in distinct],
            "layers": [distinct.index(rep) for rep in reps],
        }  # fmt: skip
    acting = {"letters": module.letters, "positions": module.positions}
    described = {name: describe(rep, names) for name, rep in acting.items()}
    return {"class": "SequenceNetwork", "pattern": asdict(module.pattern), **described}


def _of_translator(module: Translator) -> Description:
    """Describe an encoder-decoder of tokens: its sizes, and what may be exchanged."""
    if isinstance(module, SlotTranslator):
        return {
            "class": "SlotTranslator", "network": _of_translator(module.network),
            "slots": module.slots.members(), "tells_apart": module.tells_apart,
        }  # fmt: skip
    sizes: Description = {"inputs": module.inputs, "outputs": module.outputs, "width": module.width}
    if isinstance(module, RecurrentTranslator):
        sizes |= {"dropout": module.dropout.p}
    elif isinstance(module, TransformerTranslator):
        sizes |= {"layers": len(module.reader.layers), "longest": module.places.num_embeddings}
        layer: Any
        for layer in module.reader.layers:
            sizes |= {"heads": layer.self_attn.num_heads, "dropout": layer.dropout.p}
    else:
        refuse("save", "module", "a network of this library", type(module).__name__, REMEDY)
    return {"class": type(module).__name__, "sizes": sizes}


def build(
    description: Description, tensors: Mapping[str, Tensor], classes: Classes = ()
) -> nn.Module:
    """Build what was described; its state is still to be loaded.

    Args:
        description: of the module.
        tensors: its state, by name.
        classes: of representations, that may be built beside this library's.

    Raises:
        InputError: the description names sizes that the tensors do not have.
    """
    kind = description["class"]
    check_held(kind, _wanted(kind, description, tensors, classes), tensors)
    if kind == "Standardised":
        zero = torch.zeros(description["shape"])
        return Standardised(build(description["network"], tensors, classes), zero, zero + 1)
    if kind == "LGN":
        return LGN(LGNShape(**description["shape"]))
    if kind == "PlainCNN":
        return PlainCNN(_pattern(description["pattern"]))
    if kind in ("LGCNN", "SequenceNetwork"):
        return _built_with_action(description, tensors, classes)
    if kind == "SlotTranslator" or kind in _TRANSLATORS:
        return _built_translator(description)
    return build_representation(description, tensors, classes)


def _built_with_action(
    description: Description, tensors: Mapping[str, Tensor], classes: Classes
) -> LGCNN | SequenceNetwork:
    """The inverse of `_with_action`."""
    if description["class"] == "SequenceNetwork":
        return SequenceNetwork(
            SequencePattern(**description["pattern"]), *_acting(description, tensors, classes)
        )
    distinct = [build_representation(e, tensors, classes) for e in description["representations"]]
    reps = [distinct[number] for number in description["layers"]]
    return LGCNN(_pattern(description["pattern"]), reps)


def _built_translator(description: Description) -> Translator:
    """The inverse of `_of_translator`."""
    if description["class"] in _TRANSLATORS:
        return _TRANSLATORS[description["class"]](**description["sizes"])
    network = _built_translator(description["network"])
    classes = [[(x, y) for x, y in members] for members in description["slots"]]
    slots = Slots(network.inputs, network.outputs, classes)
    return SlotTranslator(network, slots, tells_apart=description["tells_apart"])


def _acting(
    description: Description, tensors: Mapping[str, Tensor], classes: Classes
) -> tuple[LearnedRepresentation, LearnedRepresentation]:
    """The representations on letters and on positions."""
    letters, positions = (
        build_representation(description[name], tensors, classes)
        for name in ("letters", "positions")
    )
    return letters, positions


def _wanted(
    kind: str, description: Description, tensors: Mapping[str, Tensor], classes: Classes
) -> int:
    """How many numbers a network of this description has at least."""
    if kind == "LGN":
        shape = LGNShape(**description["shape"])
        filters = shape.layers * shape.filters * shape.in_channels
        return filters * shape.kernel_size**4 + shape.layers * shape.channels
    if kind in ("PlainCNN", "LGCNN"):
        pattern, order = _pattern(description["pattern"]), 1
        if kind == "LGCNN":
            order = build_group(description["representations"][0]["group"]).order
        return pattern.parameters(order)
    if kind == "SequenceNetwork":
        return SequencePattern(**description["pattern"]).parameters(
            *_acting(description, tensors, classes)
        )
    if kind in _TRANSLATORS:
        sizes = description["sizes"]
        embedded = sizes["inputs"] + 2 * sizes["outputs"] + sizes.get("longest", 0)
        return sizes["width"] * (embedded + 20 * max(1, sizes.get("layers", 1)) * sizes["width"])
    if kind == "SlotTranslator":
        return _wanted(description["network"]["class"], description["network"], tensors, classes)
    return math.prod(description["shape"]) if kind == "Standardised" else 0


def _pattern(sizes: Mapping[str, Any]) -> Pattern:
    return Pattern(**{**sizes, "widths": tuple(sizes["widths"])})
