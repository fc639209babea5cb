"""Files changed at random: bits, chunks, numbers, headers, values, behind gzip and zip as well."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from tests.robustness.tensors import mutated_tensors

NUMBERS = (
    "nan", "-inf", "inf", "-1", "0", "1e308", "-1e308", "1e309", "1e-320", str(10**40), "", " ",
    "1e5000", "65536", "-0.0", "0x1F", "1_000", "2147483648", "18446744073709551616", "\u0663",
    "\u00b2", "1,5", "1.5.2", "1e", "+", "true", "$x$", "'", '"',
)  # fmt: skip
_TEXTS = (
    "\0", "\ufeff", "\u2028", "\x85", "\r", "\n\n", "\t", ";", ",", '"', "'", "#", "# ", ">", "@",
    "+", "//", "ORIGIN", "LOCUS", "IN:", "OUT:", "$", "\x1b[31m", "\u202e", "A" * 5000, "9" * 5000,
    "(" * 500, "[" * 3000, "-", ".", "\\", "%s", "{}", "\U0001f600",
)  # fmt: skip
_BYTES = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x01",
          b"\xff\xff\xff\x7f", b"\x80", b"\xc3", b"\x80\x04\x95", b"PK\x03\x04",
          b"\x1f\x8b")  # fmt: skip
_DEEP = 20_000
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_SHARE_RAW = 0.25


def mutated(name: str, content: bytes, rng: random.Random) -> bytes:
    """A file changed in one to four places, in a way that fits its kind.

    Args:
        name: of the file; its suffix says which kind it is.
        content: as it was.
        rng: draws.
    """
    suffix = PurePosixPath(name).suffix
    if rng.random() < _SHARE_RAW:
        return _several(raw, content, rng)
    if suffix == ".gz":
        inner = gzip.decompress(content)
        return gzip.compress(mutated(name.removesuffix(".gz"), inner, rng), mtime=0)
    kinds: dict[str, Callable[[bytes, random.Random], bytes]] = {
        ".json": json_value, ".npy": npy, ".npz": npz, ".safetensors": mutated_tensors, ".png": png,
    }  # fmt: skip
    if suffix in kinds:
        return kinds[suffix](content, rng)
    return _several(text if _is_text(content) else raw, content, rng)


def _several(
    change: Callable[[bytes, random.Random], bytes], content: bytes, rng: random.Random
) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4))):
        content = change(content, rng)
    return content


def raw(content: bytes, rng: random.Random) -> bytes:
    """Flipped bits, a cut, an insertion, chunks that go, come twice or change places."""
    size = len(content)
    first, second = sorted(rng.randrange(size + 1) for _ in range(2))
    near = rng.randrange(min(size, 64) + 1)
    special = rng.choice(_BYTES)

    def flipped() -> bytes:
        changed = bytearray(content or b"\0")
        for _ in range(rng.choice((1, 1, 8))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)

    changes: tuple[Callable[[], bytes], ...] = (
        flipped, flipped,
        lambda: content[:first],
        lambda: content[:first] + rng.randbytes(rng.randrange(1, 64)) + content[first:],
        lambda: content[:first] + content[second:],
        lambda: content[:second] + content[first:],
        lambda: content[second:] + content[:first],
        lambda: content[:near] + special + content[near + len(special):],
        lambda: content[:first] + special * rng.choice((1, 100)) + content[first:],
        lambda: content + content,
    )  # fmt: skip
    return rng.choice(changes)()


def text(content: bytes, rng: random.Random) -> bytes:
    """Numbers, fields, lines and separators that are replaced, go, or come from elsewhere."""
    letters = content.decode("utf-8", "surrogateescape")
    lines = letters.splitlines(keepends=True) or [""]
    row = rng.randrange(len(lines))
    place = rng.randrange(len(letters) + 1)
    numbers = list(_NUMBER.finditer(letters))
    some = rng.choice(_TEXTS)

    def number() -> str:
        if not numbers:
            return letters + rng.choice(NUMBERS)
        found = rng.choice(numbers)
        return letters[: found.start()] + rng.choice(NUMBERS) + letters[found.end() :]

    changes: tuple[Callable[[], str], ...] = (
        number, number, number,
        lambda: letters[:place] + some + letters[place:],
        lambda: letters[:place],
        lambda: "".join(lines[:row] + lines[row + 1 :]),
        lambda: "".join(lines[: row + 1] + lines[row:]),
        lambda: "".join([*lines[:row], some, "\n", *lines[row:]]),
        lambda: "".join(rng.sample(lines, len(lines))),
        lambda: letters.replace(rng.choice(",\t \n.;"), some, rng.choice((1, -1))),
        lambda: letters.replace("\n", rng.choice(("\r", "\r\n", "\x85", "\v"))),
        lambda: letters.swapcase(),
    )  # fmt: skip
    changed = rng.choice(changes)().encode("utf-8", "surrogateescape")
    return changed if rng.random() < 0.9 else raw(changed, rng)


def json_value(content: bytes, rng: random.Random) -> bytes:
    """Values of other types, numbers out of range, keys that go, and deep nesting."""
    try:
        value = json.loads(content)
    except ValueError:
        return _several(raw, content, rng)
    if rng.random() < 0.15:
        return _several(text, content, rng)
    for _ in range(rng.choice((1, 1, 2))):
        value = replaced(value, rng)
    changed = json.dumps(value)
    if rng.random() < 0.1:
        opening = rng.choice(("[", '{"a":'))
        inner = opening * _DEEP + "0" + ("]" if opening == "[" else "}") * _DEEP
        changed = inner if rng.random() < 0.3 else changed.replace("0", inner, 1)
    return changed.encode("utf-8", "surrogatepass")


def replaced(value: Any, rng: random.Random) -> Any:
    """A JSON value in which one place, however deep, holds something else."""
    if rng.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return other(value, rng)
    if isinstance(value, dict):
        key = rng.choice(list(value))
        return _replaced_entry(value, key, rng)
    k = rng.randrange(len(value))
    rest = rng.random()
    if rest < 0.1:
        return value[:k] + value[k + 1 :]
    if rest < 0.2:
        return value[: k + 1] + value[k:]
    return [*value[:k], replaced(value[k], rng), *value[k + 1 :]]


def _replaced_entry(value: dict[str, Any], key: str, rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.1:
        return {name: each for name, each in value.items() if name != key}
    if rng.random() < 0.05:
        return {f"{name}x" if name == key else name: each for name, each in value.items()}
    return {**value, key: replaced(value[key], rng)}


def other(value: Any, rng: random.Random) -> Any:
    """Another value, of the same type or not."""
    values: tuple[Any, ...] = (
        None, True, False, 0, 1, -1, 2, 3, 7, 1.5, -1.5, 10**6, 2**31, 2**63, 10**40, -(10**40),
        1e308, float("nan"), float("inf"), float("-inf"), "", "x", "nan", "Infinity", "\ud800",
        "\0", "../x", [], {}, [[]], [0], ["x"], {"x": 0}, [value], {"a": value}, str(value),
        [value] * 3,
    )  # fmt: skip
    return rng.choice(values)


def npy(content: bytes, rng: random.Random) -> bytes:
    """A .npy file with another header, or other numbers."""
    start = 10 if content[6:7] == b"\x01" else 12
    size = int.from_bytes(content[8:start], "little")
    head, body = content[start : start + size].decode("latin-1"), content[start + size :]
    if rng.random() < 0.3:
        return content[: start + size] + _several(raw, body, rng)
    shapes = ("()", "(0,)", "(10**40,)", f"({10**40},)", f"({2**62}, 4)", "(-1, 3)", "(3,)",
              "(1, 180)", "(" * 200, "[60, 3]", "(60, 3.0)", "(True, 180)", "None", "'x'",
              "(60, 3), 'x': 1")  # fmt: skip
    types = ("|O", "<U8", "|V8", "<M8[s]", "<m8", "<c16", "<f2", "<f16", "|b1", "<u8", "<i1", ">f8",
             "x", "|S0", "<f0", "O8", "", "<f8,<f8")  # fmt: skip
    changes = (
        lambda: re.sub(r"\(.*\)", lambda _: rng.choice(shapes), head),
        lambda: re.sub(r"'descr': '[^']*'", f"'descr': '{rng.choice(types)}'", head),
        lambda: head.replace("False", rng.choice(("True", "None", "1", "''", "not x"))),
        lambda: text(head.encode(), rng).decode("utf-8", "replace"),
        lambda: head.replace("'descr'", "'descr': __import__('os').mkdir('ran'), 'x'"),
        lambda: "{" * 5000,
    )  # fmt: skip
    changed = rng.choice(changes)().encode("latin-1", "replace")
    return b"\x93NUMPY\x02\0" + len(changed).to_bytes(4, "little") + changed + body


def npz(content: bytes, rng: random.Random) -> bytes:
    """A .npz file with changed members and right checksums."""
    members = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            members[name] = archive.read(name)
    chosen = rng.choice(list(members))
    if rng.random() < 0.15:
        renamed = rng.choice(("x.pkl", "../x.npy", "data/data.pkl", "xl/x", ".npy", "a.npy/"))
        members[renamed] = members.pop(chosen)
    else:
        members[chosen] = npy(members[chosen], rng)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as out:
        for name, member in members.items():
            out.writestr(name, member)
    return file.getvalue()


def png(content: bytes, rng: random.Random) -> bytes:
    """A PNG with changed chunks and right checksums."""
    chunks, place = [], 8
    while place + 12 <= len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + size]))
        place += size + 12
    k = rng.randrange(len(chunks))
    kind, body = chunks[k]
    if rng.random() < 0.2:
        chunks.insert(k, chunks[rng.randrange(len(chunks))])
    elif kind == b"IDAT" and rng.random() < 0.5:
        chunks[k] = kind, zlib.compress(_several(raw, zlib.decompress(body), rng))
    else:
        chunks[k] = rng.choice((kind, kind, b"eXIf", b"tRNS", b"iCCP", b"zTXt")), raw(body, rng)
    return content[:8] + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    )


def _is_text(content: bytes) -> bool:
    return b"\0" not in content[:1000] and not content.startswith(
        (b"\xff", b"PAR1", b"GIF", b"RIFF")
    )
