"""Run folders: reserved when they are chosen, replaced only when the new run is whole.

Beside the folder `name` that a run is writing lies `.name.part`. It holds

- `lock`, which the process that writes keeps locked; the lock dies with the process;
- `new`, a run that has to be whole before it is seen;
- `begun`, a training that is to replace an earlier run, and may be cut off and go on;
- `old`, the earlier run, between the two renames that exchange it for the new one.

Whoever starts next in the same place puts right what a killed process left.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from grouplearn._checks import refuse
from grouplearn._files import lock, naming, sweep_parts
from grouplearn.commands.marks import RESULT, list_files, strangers
from grouplearn.errors import InputError
from grouplearn.training.choices import CHOICE
from grouplearn.training.fitting import LAST

_LOCK, _NEW, _BEGUN, _OLD = "lock", "new", "begun", "old"
_TRIES, _PAUSE = 5, 0.03


@final
@dataclass(frozen=True)
class Place:
    """The folder of a run, which no other process may write meanwhile.

    Attributes:
        who: name of the command, for errors.
        shown: the folder as it was typed.
        overwrite: may an earlier run there be replaced?
    """

    who: str
    shown: Path
    overwrite: bool

    @property
    def target(self) -> Path:
        """The folder, links followed, so that a link stays one."""
        return Path(os.path.realpath(self.shown))

    @property
    def aside(self) -> Path:
        """The hidden folder beside it."""
        return self.target.with_name(f".{self.target.name}.part")


@contextmanager
def reserve(who: str, out: Path | None, name: str, overwrite: bool) -> Iterator[Place]:
    """The place of a new run, checked and kept from other processes before the work begins.

    Args:
        who: name of the command, for errors.
        out: the folder asked for; None takes the first free of runs/name, runs/name-2 and so on.
        name: what the run is called.
        overwrite: may an earlier run be replaced?

    Raises:
        InputError: something stands there that may not be replaced, another run is writing there,
            or it is no place for a run.
    """
    numbered = (Path("runs", f"{name}-{k}" if k > 1 else name) for k in itertools.count(1))
    for shown in numbered if out is None else [out]:
        place = Place(who, shown, overwrite)
        _assert_possible(place)
        with _kept_from_others(place, patient=out is not None) as alone:
            if out is None and (not alone or os.path.lexists(place.target)):
                continue
            _assert_alone(place, alone)
            _assert_replaceable(place)
            yield place
            return


@contextmanager
def reopen(who: str, out: Path) -> Iterator[Place]:
    """The place of a run that was cut off, kept from other processes.

    Args:
        who: name of the command, for errors.
        out: the folder.

    Raises:
        InputError: another process is writing there.
    """
    place = Place(who, out, overwrite=True)
    with _kept_from_others(place, patient=True) as alone:
        _assert_alone(place, alone)
        yield place


@contextmanager
def whole(place: Place) -> Iterator[Path]:
    """A folder to write a run into, which takes its place when the block ends well.

    When it does not, what was written goes, and what stood there stays.

    Args:
        place: as `reserve` gave it.
    """
    new = place.aside / _NEW
    with naming(place.shown, instead_of=place.aside):
        new.mkdir()
        yield new
        list_files(new)
        _exchange(place, new)


@contextmanager
def growing(place: Place, *, resume: bool = False) -> Iterator[Path]:
    """A folder that a long run fills while it goes on, and in which a run cut off goes on.

    It is the place itself where that is free; otherwise one beside it, and the earlier run is
    replaced when the block ends well. When the block fails before there is anything to go on with,
    what was written goes.

    Args:
        place: as `reserve` or `reopen` gave it.
        resume: go on with what is there?
    """
    begun = place.aside / _BEGUN
    beside = can_go_on(begun) if resume else _is_occupied(place.target)
    folder = begun if beside else place.target
    with naming(place.shown, instead_of=place.aside):
        if not resume:
            _remove(begun)
            folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        except BaseException:
            if not resume and not can_go_on(folder):
                _remove(folder)
            raise
        if folder == begun:
            _exchange(place, begun)


def can_go_on(folder: Path) -> str:
    """What a training that was cut off has left to go on with, in words; empty where nothing.

    Args:
        folder: of the run.
    """
    known = {LAST: "last finished epoch", CHOICE: "choice of the group"}
    return next((words for name, words in known.items() if (folder / name).exists()), "")


def sweep(parent: Path) -> None:
    """Put right what killed processes left beside the runs in a folder.

    An earlier run that was on its way out comes back; unfinished ones go, but for trainings that
    can go on. What belongs to living processes stays.

    Args:
        parent: the folder that holds runs.
    """
    with suppress(OSError):
        for aside in list(parent.glob(".*.part/")):
            if (aside / _LOCK).exists():
                name = aside.name[1 : -len(".part")]
                with _kept_from_others(Place("", parent / name, overwrite=False)):
                    pass
            elif aside.is_dir():
                with suppress(OSError):  # it holds something
                    aside.rmdir()


def _exchange(place: Place, new: Path) -> None:
    """Put a whole run into its place, and what stood there aside, whence `_settle` takes it."""
    if _is_occupied(place.target):
        _assert_replaceable(place)  # again, as time has passed
        place.target.rename(place.aside / _OLD)
    new.rename(place.target)
    _remove(place.aside / _BEGUN)


def _settle(place: Place) -> None:
    """Bring an earlier run back whose place is empty, and remove what else nobody needs.

    A training that was killed when it was whole takes its place.
    """
    old, begun = place.aside / _OLD, place.aside / _BEGUN
    if old.is_dir() and not os.path.lexists(place.target):
        old.rename(place.target)
    if (begun / RESULT).is_file():
        with suppress(InputError):
            _exchange(replace(place, overwrite=True), begun)
    _remove(old)
    _remove(place.aside / _NEW)
    if not can_go_on(begun):
        _remove(begun)
    sweep_parts(begun)
    if strangers(place.target) is not None:
        sweep_parts(place.target)


@contextmanager
def _kept_from_others(place: Place, *, patient: bool = False) -> Iterator[bool]:
    """Hold the lock of a place, which is settled before and after; False where another does.

    Whoever is patient waits for those who hold it for a moment, in `sweep`.
    """
    made = [each for each in place.aside.parents if not each.exists()]
    with naming(place.shown, instead_of=place.aside):
        held = lock(place.aside / _LOCK)
        for _ in range(_TRIES if patient and held is None else 0):
            time.sleep(_PAUSE)
            held = held or lock(place.aside / _LOCK)
    try:
        if held is None:
            yield False
            return
        with held:
            try:
                _settle(place)
                yield True
            finally:
                _settle(place)
                (place.aside / _LOCK).unlink()
    finally:
        for folder in [place.aside, *made]:
            with suppress(OSError):  # another process uses it
                folder.rmdir()


def _is_occupied(target: Path) -> bool:
    return os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir()))


def _assert_alone(place: Place, alone: bool) -> None:
    if not alone:
        refuse(place.who, "--out", "a folder that no other run is writing",
               f"{str(place.shown)!r}, which one is writing now",
               "wait for it, or choose another folder")  # fmt: skip


def _assert_possible(place: Place) -> None:
    """Refuse what cannot become the folder of a run, before anything is made."""
    who, out, target = place.who, place.shown, place.target
    blocking = next((each for each in out.parents if each.exists() and not each.is_dir()), None)
    if blocking is not None:
        refuse(who, "--out", "below folders only", f"{str(blocking)!r}, a file", "choose another")
    if target in (Path.cwd(), *Path.cwd().parents):
        refuse(who, "--out", "a folder with a name of its own", f"{str(out)!r}, the current folder "
               "or one above it", "add a name to it")  # fmt: skip
    if target.is_mount():
        refuse(who, "--out", "a folder that can be renamed",
               f"{str(out)!r}, where a file system is mounted", "add a name to it")  # fmt: skip
    above = next(each for each in target.parents if each.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        refuse(who, "--out", "in a folder that can be written", f"{str(out)!r}", "choose another")
    if target.exists() and not target.is_dir():
        refuse(who, "--out", "a folder", f"{str(out)!r}, a file", "choose another name")
    sweep(target.parent)


def _assert_replaceable(place: Place) -> None:
    """Refuse to replace anything but an earlier run, and that only when asked to."""
    who, out = place.who, f"{str(place.shown)!r}"
    if not _is_occupied(place.target):
        return
    others = strangers(place.target)
    if others is None:
        refuse(who, "--out", "new, empty or an earlier run", f"{out} with other files",
               "choose another folder")  # fmt: skip
    if not place.overwrite:
        refuse(who, "--out", "a new folder", f"{out}, an earlier run",
               "pass --overwrite to replace it, or choose another folder")  # fmt: skip
    if others:
        refuse(who, "--out", "new, empty or an earlier run with its own files alone",
               f"{out}, which holds {others[0]!r} as well",
               "move that elsewhere, or choose another folder")  # fmt: skip


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
