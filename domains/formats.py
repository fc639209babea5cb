"""Known formats by their first bytes or lines: those that are read, and the names of others."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_BINARY = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"RIFF": "a RIFF file, such as WAV",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"MATLAB": "a MATLAB file",
    b"\x80\x02": "a pickle, which could run code",
    b"\x80\x03": "a pickle, which could run code",
    b"\x80\x04": "a pickle, which could run code",
    b"\x80\x05": "a pickle, which could run code",
    b"SQLite": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"BAM\1": "a BAM file",
    b"\xff\xfe": "a text in UTF-16",
    b"\xfe\xff": "a text in UTF-16",
    b"BZh": "a file compressed with bzip2",
    b"\xfd7zXZ": "a file compressed with xz",
    b"\x28\xb5\x2f\xfd": "a file compressed with Zstandard",
}
_TEXT = {
    r"##gff-version|##gtf|##sequence-region": "GFF",
    r"##fileformat=VCF": "VCF",
    r"@(HD|SQ|RG|PG|CO)\t": "SAM",
    r"track (name|type)=|browser position ": "BED",
    r"(HEADER {4}|CRYST1 |MODEL {2,}\d|REMARK +\d|(ATOM {2}|HETATM) *\d)": "PDB",
    r"<(\?xml|!DOCTYPE|!--|html|svg)": "XML or HTML",
    r"# STOCKHOLM": "Stockholm",
    r"CLUSTAL": "CLUSTAL",
    r"#NEXUS": "NEXUS",
    r"BEGIN_SEQUENCE ": "PHD",
    r"(?i:@relation )": "ARFF",
    r"%%MatrixMarket": "Matrix Market",
    r"%!PS": "PostScript",
    r"P[1-6]$": "PNM",
    r"[-+]?\d+(\.\d+)?( \d+:\S+)+$": "SVMlight",
}
_LINES = {
    r"(\S+\t){2}[^\t]+\t\d+\t\d+\t[^\t]+\t[-+.?]\t[012.]\t.*": "GFF",
    r"\S+\t\d+\t[^\t]+\t[ACGTN]+\t[ACGTN,.<>*]+\t.*": "VCF",
    r"[^\t@]+\t\d+\t[^\t]+\t\d+\t\d+\t(\*|(\d+[MIDNSHPX=])+)\t.*": "SAM",
    r"(chr\S+[\t ]+\d+[\t ]+|[^\s\d]\S*\t\d+\t)\d+([\t ].*)?": "BED",
}
_EMBL = re.compile(r"ID {3}\S")
_NUCLEOTIDES = re.compile(r"[ACGTUN]+", re.IGNORECASE)
_QUALITIES = re.compile(r"\d+( \d+)+")
LEAST_LETTERS = 6
"""A line of so many letters may be a bare sequence."""
_FEW = 50


def binary_format(start: bytes) -> str | None:
    """Return what a file that begins with these bytes is, in words, if that is known."""
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "a WebP picture"
    return next((name for magic, name in _BINARY.items() if start.startswith(magic)), None)


def begins_picture(start: bytes) -> bool:
    """Do the first bytes of a file say that it is a picture?"""
    return (binary_format(start) or "").endswith(" picture")


def text_format(lines: Sequence[str]) -> str | None:
    """Return the name of a format that is neither a table nor sequences nor plain words.

    Args:
        lines: the first ones, stripped, without empty ones.
    """
    for pattern, name in _TEXT.items():
        if re.match(pattern, lines[0]):
            return name
    body = [line for line in lines[:_FEW] if not line.startswith("#")]
    for pattern, name in _LINES.items():
        if body and all(re.fullmatch(pattern, line) for line in body):
            return name
    if _is_phylip(lines):
        return "PHYLIP"
    if _is_quality(lines):
        return "QUAL"
    if lines[0].startswith("data_") and any(line.startswith(("_", "loop_")) for line in body):
        return "CIF"
    return "JSON" if _is_json(lines[0]) else None


def sequence_format(lines: Sequence[str]) -> str | None:
    """Return "FASTA", "GenBank", "EMBL", "FASTQ", or "letters" for bare nucleotides, line by line.

    Args:
        lines: the first ones, stripped, without empty ones.
    """
    first = next((line for line in lines if not line.startswith(";")), "")
    if first.startswith(">"):
        return None if _is_quality(lines) else "FASTA"
    if first.startswith("LOCUS"):
        return "GenBank"
    if _EMBL.match(first):
        return "EMBL"
    if first.startswith("@") and len(lines) > 2 and lines[2].startswith("+"):
        return "FASTQ"
    bare = all(_NUCLEOTIDES.fullmatch(line) for line in lines[:_FEW])
    return "letters" if bare and max(map(len, lines)) >= LEAST_LETTERS else None


def looks_like_words(lines: Sequence[str]) -> bool:
    """Do most lines hold several tokens, a third of them with letters, some of them again?"""
    tokens = [token for line in lines for token in line.split()]
    several = sum(len(line.split()) > 1 for line in lines)
    lettered = sum(any(map(str.isalpha, token)) for token in tokens)
    return (
        2 * several >= len(lines) and 3 * lettered >= len(tokens) and len(set(tokens)) < len(tokens)
    )


def _is_quality(lines: Sequence[str]) -> bool:
    """Are there qualities where FASTA has letters?"""
    return lines[0].startswith(">") and len(lines) > 1 and bool(_QUALITIES.fullmatch(lines[1]))


def _is_phylip(lines: Sequence[str]) -> bool:
    """Do two numbers stand above names and letters, as in an alignment?"""
    return (
        re.fullmatch(r"\d+ +\d+", lines[0]) is not None
        and len(lines) > 1
        and re.fullmatch(r"\S+\s+[A-Za-z*?. -]{6,}", lines[1]) is not None
    )


def _is_json(line: str) -> bool:
    if line in ("{", "[", "[{"):
        return True
    try:
        return line.startswith(("{", "[")) and json.loads(line.removesuffix(",")) is not None
    except (ValueError, RecursionError):
        return False
