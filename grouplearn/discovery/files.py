"""A finding in one file: the action as `grouplearn.training.save` keeps it, and the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from grouplearn._checks import refuse
from grouplearn._schema import misfit, rebuilding
from grouplearn.discovery.result import Discovery, Evidence, Hypothesis, Rung
from grouplearn.errors import DataError
from grouplearn.representations.descriptions import (
    build_representation,
    describe_representation,
    restored,
    stored,
)
from grouplearn.tensorfile import pack, read_tensors, unpack, write_tensors

_PLACE = "discovery"


def write_discovery(found: Discovery, path: str | os.PathLike[str]) -> None:
    """See `Discovery.save`."""
    values = {each.name: getattr(found, each.name) for each in fields(found)}
    tensors, info = stored(values.pop("representation"), describe_representation)
    values["ladder"] = [
        {**vars(rung), "evidence": [asdict(each) for each in rung.evidence]}
        for rung in found.ladder
    ]
    values["hypotheses"] = [
        {**vars(each), "evidence": asdict(each.evidence)} for each in found.hypotheses
    ]
    held: dict[str, Tensor] = {}
    info[_PLACE] = pack(values, held, _PLACE)
    write_tensors(path, {**tensors, **held}, info)


def read_discovery(path: str | os.PathLike[str]) -> Discovery:
    """See `Discovery.load`."""
    who = "Discovery.load"
    tensors, info = read_tensors(path, who)
    place = f"path {os.fspath(path)!r}"
    if _PLACE not in info:
        refuse(who, place, "a file that Discovery.save wrote",
               "one without a finding", "a representation or a network is read by "
               "grouplearn.training.load", DataError)  # fmt: skip
    with rebuilding(who, Path(path), "save it again"):
        return _restored(info, tensors)


def _restored(info: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Discovery:
    values = unpack(info[_PLACE], tensors)
    if (wrong := misfit(values, Discovery)) is not None:
        raise ValueError(wrong)
    rep = restored(info, tensors, build_representation)
    ladder = tuple(
        Rung(**{**rung, "evidence": tuple(Evidence(**each) for each in rung["evidence"])})
        for rung in values.pop("ladder")
    )
    hypotheses = tuple(
        Hypothesis(**{**each, "evidence": Evidence(**each["evidence"])})
        for each in values.pop("hypotheses")
    )
    found = Discovery(representation=rep.eval(), ladder=ladder, hypotheses=hypotheses, **values)
    if len(found.members) != found.group.order:
        raise ValueError(f"{len(found.members)} members of a group of order {found.group.order}")
    return found
