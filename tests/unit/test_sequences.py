"""Windows of sequences against plain Python; files in every state of repair."""

from __future__ import annotations

import gzip
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from Bio.Seq import Seq
from hypothesis import given
from hypothesis import strategies as st

from grouplearn import CyclicGroup
from grouplearn.domains import windows
from grouplearn.domains.base import Domain, Extension, KnownAction
from grouplearn.domains.letters import DNA, PROTEIN, RNA, SequenceMove
from grouplearn.domains.samples import sample_chloroplast, sample_genome
from grouplearn.domains.sequence_files import read_sequences, sequences_of
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import DataError, InputError, MissingExtraError
from grouplearn.representations import FixedRepresentation, SkewRepresentation
from tests.unit.examples import is_helpful, seeded

TEXTS = st.lists(st.text("ACGTNacgtn-R", min_size=1, max_size=30), min_size=1, max_size=6)
LONG = "".join(f"{60 * i + 1:>9}{' acgtacgtac' * 6}\n" for i in range(400))
GENBANK = """LOCUS       TINY          {length} bp    DNA     linear   UNK 01-JAN-1980
ACCESSION   TINY
ORIGIN
        1 acgtacgtac gtacgtacgt
//
"""


def words(texts: list[str], w: int) -> list[str]:
    """Every window without an ambiguous letter, by slices."""
    found = [text[i : i + w].upper() for text in texts for i in range(len(text) - w + 1)]
    return [word for word in found if set(word) <= set("ACGT")]


def hot(word: str, letters: str = "ACGT") -> list[float]:
    return [float(letter == one) for letter in word for one in letters]


def random_dna(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


@given(TEXTS, st.integers(1, 5))
def test_windows_equal_slices(texts: list[str], w: int) -> None:
    domain, expected = SequenceDomain(window=w), words(texts, w)
    if not expected:
        with pytest.raises(DataError, match="letters in a row"):
            domain.vectorize(texts)
        return
    assert domain.vectorize(texts).tolist() == [hot(word) for word in expected]
    moments = domain.moments(texts)
    assert moments.count == len(expected)
    rows = np.array([hot(word) for word in expected])
    np.testing.assert_allclose(moments.mean(), rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(moments.covariance(), np.cov(rows.T, bias=True), atol=1e-12)


@pytest.mark.parametrize("w", [2, 9], ids=["counted", "row by row"])
def test_pieces_lose_and_double_no_window(monkeypatch: pytest.MonkeyPatch, w: int) -> None:
    text = random_dna(500) + "N" + random_dna(200, seed=1)
    whole = SequenceDomain(window=w).moments([text, text[:50]])
    monkeypatch.setattr(windows, "_BATCH", 64)
    monkeypatch.setattr(windows, "_ROWS", 16)
    pieces = SequenceDomain(window=w).moments([text, text[:50]])
    np.testing.assert_allclose(whole.weights, pieces.weights)
    np.testing.assert_allclose(whole.products, pieces.products)
    np.testing.assert_allclose(whole.cubes, pieces.cubes)
    expected = np.array([hot(word) for word in words([text, text[:50]], w)])
    np.testing.assert_allclose(pieces.products.sum(0), expected.T @ expected)
    np.testing.assert_allclose(pieces.cubes.sum(0), (expected**2).T @ expected)


def test_counted_words_are_the_sample() -> None:
    text, w = random_dna(5000), 3
    sample = SequenceDomain(window=w).moments(text).sample()
    counts: Counter[str] = Counter()
    for row, weight in zip(sample.rows, sample.weights, strict=True):
        counts["".join("ACGT"[k] for k in row.reshape(w, 4).argmax(1))] += weight
    assert counts == Counter(words([text], w))


def test_stretches_are_dealt_to_groups() -> None:
    """Windows that start in one stretch share a bootstrap group; short sequences are one each."""
    text = random_dna(3000)
    moments = SequenceDomain(window=2, stretch=500).moments(text)
    expected = np.zeros(moments.groups)
    for start in range(2999):
        expected[moments.group_of(np.array([start // 500]))[0]] += 1
    np.testing.assert_array_equal(moments.weights, expected)
    parts = [text[k : k + 10] for k in range(0, 3000, 10)]
    spread = SequenceDomain(window=2).moments(parts)
    assert (spread.weights > 0).all()
    assert set(spread.weights) <= set(9.0 * np.arange(100))
    other = SequenceDomain(window=2).moments(parts, seed=1)
    assert not np.array_equal(other.weights, spread.weights)


@pytest.mark.parametrize(
    ("domain", "text", "row"),
    [
        (SequenceDomain("rna", 2), "ug", hot("UG", "ACGU")),
        (SequenceDomain("protein", 1), "Y", hot("Y", "ACDEFGHIKLMNPQRSTVWY")),
    ],
    ids=["rna", "protein"],
)
def test_other_alphabets(domain: SequenceDomain, text: str, row: list[float]) -> None:
    assert domain.vectorize(text).tolist() == [row]
    assert domain.dim == len(row)
    assert domain.moments([text] * 3).count == 3


def test_draws_are_windows() -> None:
    domain = SequenceDomain(window=4)
    everything = {tuple(row) for row in domain.vectorize("ACGTNACCGT").tolist()}
    drawn = domain.vectorize("ACGTNACCGT", count=200, rng=seeded())
    assert drawn.shape == (200, 16)
    assert {tuple(row) for row in drawn.tolist()} == everything
    assert torch.equal(drawn, domain.vectorize("ACGTNACCGT", count=200, rng=seeded()))
    assert domain.unvectorize(drawn).argmax(-1).shape == (200, 4)


def test_it_is_a_domain() -> None:
    for domain in (SequenceDomain(), SequenceDomain("rna", 3), SequenceDomain("protein", 2)):
        assert isinstance(domain, Domain)
        for name, action in domain.known_actions().items():
            assert isinstance(action, KnownAction)
            assert isinstance(action, Extension)
            assert (action.name, str(action)) == (name, name)
            assert action.words.endswith(".")
            matrix = action.matrix.numpy()
            assert action.order == 2
            np.testing.assert_array_equal(matrix @ matrix, np.eye(domain.dim))
    assert list(SequenceDomain("protein", 2).known_actions()) == ["reverse"]
    assert list(SequenceDomain(window=1).known_actions()) == ["complement"]
    assert SequenceDomain("protein", 1).known_actions() == {}


@pytest.mark.parametrize(("alphabet", "text"), [(DNA, "AAGCNRYBDHVKMSW-n"), (RNA, "AAGCUNRYr.")])
def test_complements_equal_biopython(alphabet: Any, text: str) -> None:
    actions = SequenceDomain(alphabet.name, 3).known_actions()
    seq: Any = Seq(text)
    complement = str(seq.complement_rna() if alphabet is RNA else seq.complement())
    assert actions["complement"](text) == complement
    assert actions["reverse-complement"](text) == complement[::-1]
    assert actions["reverse"](text) == text[::-1]


@pytest.mark.parametrize("name", ["reverse", "complement", "reverse-complement"])
def test_actions_on_windows_are_actions_on_sequences(name: str) -> None:
    domain, text = SequenceDomain(window=3), random_dna(40)
    move = domain.known_actions()[name]
    moved = domain.vectorize(text).double() @ move.matrix.T
    whole = domain.vectorize(move(text)).double()
    assert torch.equal(whole.flip(0) if move.reversed else whole, moved)
    letters, positions = domain.factor(move.permutation) or ((), ())
    assert (letters, positions != (0, 1, 2)) == (move.letters, move.reversed)


def test_extensions_factor() -> None:
    domain = SequenceDomain(window=3)
    actions = [each.permutation.numpy() for each in domain.known_actions().values()]
    rep = FixedRepresentation.from_permutations(actions[1:])
    moves = domain.extend(rep)
    found = {str(move) for move in moves}
    assert found == {"identity", "reverse", "complement", "reverse-complement"}
    for g, move in enumerate(moves):
        assert move is not None
        assert torch.equal(move.matrix, rep.matrix(g).double())
    shift = [4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3]  # positions in a circle: windows alone
    assert domain.factor(shift) == ((0, 1, 2, 3), (1, 2, 0))
    assert domain.factor([1, 0, *range(2, 12)]) is None
    assert domain.factor([4, 1, 2, 3, 0, *range(5, 12)]) is None
    assert str(domain.extend(FixedRepresentation.from_permutations([shift]))[0]) == "identity"
    assert domain.extend(FixedRepresentation.from_permutations([shift]))[1:] == (None, None)
    swap = [1, 0, *range(2, 12)]
    assert domain.extend(FixedRepresentation.from_permutations([swap]))[1:] == (None,)
    dense = SkewRepresentation(CyclicGroup(3), dim=12, rng=seeded())
    assert domain.extend(dense)[1:] == (None, None)


def test_moves_have_names_orders_and_words() -> None:
    turn = SequenceMove(DNA, 2, (1, 2, 0, 3), True)
    assert turn.name == "reverse-letters-ACGT-to-CGAT"
    assert turn.words == "Replaces the letters ACGT by CGAT and reads the sequence from its end."
    power = torch.linalg.matrix_power(turn.matrix, turn.order)
    assert turn.order == 6
    assert torch.equal(power, torch.eye(8).double())
    assert turn("ACGTN") == "NTAGC"
    assert turn("AMR") == "MSC"  # M = A or C becomes C or G, R = A or G becomes C or A
    same = SequenceMove(DNA, 2, (0, 1, 2, 3), False)
    assert (same.name, same.order, same("ACGTN")) == ("identity", 1, "ACGTN")
    assert "as it is" in same.words
    assert "its end" in SequenceMove(DNA, 2, (0, 1, 2, 3), True).words
    swap = SequenceMove(PROTEIN, 1, (1, 0, *range(2, 20)), False)
    assert swap("ACBXU*-D") == "CABXU*-D"
    assert swap.words.endswith("by CADEFGHIKLMNPQRSTVWY.")
    turn_b = SequenceMove(PROTEIN, 1, (2, 1, 0, *range(3, 20)), False)
    assert turn_b("BD") == "XA"  # B = D or N becomes A or N, which has no letter of its own


def write(path: Path, text: str, packed: bool = False) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_files_are_told_by_content(tmp_path: Path, packed: bool) -> None:
    fasta = write(tmp_path / "one.bin", "\n>a b\nACGT\r\nAC\n>c\nTTTT\n", packed)
    assert list(read_sequences(fasta)) == ["ACGTAC", "TTTT"]
    genbank = write(tmp_path / "two.fa", GENBANK.format(length=20), packed)
    assert list(read_sequences(genbank)) == ["ACGT" * 5]
    for source in (fasta, str(fasta)):
        assert SequenceDomain(window=3).moments(source).count == 6
    assert list(sequences_of(iter(["AC GT\n", "T"]))) == ["ACGT", "T"]


def test_letters_that_are_no_path() -> None:
    for text in ("ACGT" * 2000, "ACGT\nAC"):
        assert list(sequences_of(text)) == ["".join(text.split())]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["a FASTA, FASTQ, GenBank or EMBL file", "an empty file"]),
        (b" \n", ["an empty file"]),
        (b"ACGT\n", ["begins with 'ACGT"]),
        (b">a\nACGT\n>b\n", ["record 'b' without a sequence", "cut"]),
        (b">a\n\xff\xfe\n", ["no UTF-8"]),
        (GENBANK.format(length=30).encode(), ["a whole GenBank file", "30", "found 20"]),
        (GENBANK.format(length=20).encode()[:-9], ["a whole GenBank file", "broken record"]),
        (GENBANK.format(length=20).partition("ORIGIN")[0].encode() + b"//\n", ["GenBank"]),
        (GENBANK.format(length=20).encode().replace(b"gtac g", b"\xff"), ["a whole GenBank file"]),
        (
            GENBANK.format(length=20).partition("  1 acgt")[0].encode() + LONG.encode() + b"\xff",
            ["a whole GenBank file"],
        ),
        (gzip.compress(b">a\n" + b"ACGT" * 999, mtime=0)[:-9], ["an intact gzip file", "broken"]),
        (gzip.compress(random_dna(9999).encode(), mtime=0)[:99], ["an intact gzip file", "broken"]),
        (b"\x1f\x8bno gzip at all", ["broken"]),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, parts: list[str]) -> None:
    file = tmp_path / "broken.fa"
    file.write_bytes(content)
    with pytest.raises(DataError) as problem:
        SequenceDomain(window=3).moments(file)
    assert is_helpful(problem, "read_sequences: path", "broken.fa", *parts)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    for path in ("nothing/here", "missing.fasta", tmp_path, tmp_path / "none"):
        with pytest.raises(DataError) as problem:
            SequenceDomain().moments(path)
        assert is_helpful(problem, "read_sequences: path", "a readable file")


def test_biopython_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "one.fa", ">a\nACGT\n")
    monkeypatch.setitem(sys.modules, "Bio.SeqIO.FastaIO", None)
    with pytest.raises(MissingExtraError, match=r"grouplearn\[sequences\]"):
        SequenceDomain(window=2).moments(file)
    assert SequenceDomain(window=2).moments("ACGT").count == 3


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ([], ["source must be letters", "no sequence"]),
        ("", ["an empty sequence as item 0"]),
        (["ACGT", " "], ["an empty sequence as item 1"]),
        (["ACGT", 3], ["int as item 1"]),
        (3, ["got int"]),
        ("ACGU", ["dna letters", "'U' at position 3"]),
        (["ACGT", "ACE"], ["'E' at position 2 of a sequence (1 before it)"]),
        (["ACGT", "AÄ"], ["'Ä' at position 1 of a sequence (1 before it)"]),
        (["AC", "G"], ["sequences with 3 letters in a row", "no such window"]),
        ("ACNGT", ["no such window", "smaller window"]),
    ],
)
def test_refuses_bad_sources(source: Any, parts: list[str]) -> None:
    for use in (SequenceDomain(window=3).moments, SequenceDomain(window=3).vectorize):
        with pytest.raises(InputError) as problem:
            use(source)
        assert is_helpful(problem, "SequenceDomain: source must be", *parts)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"alphabet": "DNA"}, "alphabet must be 'dna', 'rna' or 'protein', got 'DNA'"),
        ({"window": 0}, "window must be an integer >= 1"),
        ({"stretch": 0}, "stretch must be an integer >= 1"),
    ],
)
def test_refuses_bad_domains(options: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as problem:
        SequenceDomain(**options)
    assert is_helpful(problem, part)


@pytest.mark.usefixtures("as_in_production")
def test_refuses_bad_arguments() -> None:
    domain: Any = SequenceDomain(window=2)
    swap = FixedRepresentation.from_permutations([[1, 0]])
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: domain.vectorize("ACGT", count=0), "count must be an integer >= 1"),
        (lambda: domain.vectorize("ACGT", rng=0), "rng must be a torch.Generator"),
        (lambda: domain.unvectorize(torch.zeros(3, 7)), "vectors must be of shape (..., 8)"),
        (lambda: domain.factor([0, 0, 1, 2, 3, 4, 5, 6]), "a permutation of 0 to 7"),
        (lambda: domain.factor([0]), "a permutation of 0 to 7"),
        (lambda: domain.extend(None), "representation must be a LearnedRepresentation"),
        (lambda: domain.extend(swap), "representation.dim must be 8"),
    ]
    for call, part in calls:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, part)


@pytest.mark.parametrize(
    ("text", "length", "gc"),
    [(sample_genome(), 48_502, 0.4986), (sample_chloroplast(), 154_478, 0.3629)],
    ids=["lambda", "chloroplast"],
)
def test_embedded_genomes_are_whole(text: str, length: int, gc: float) -> None:
    assert len(text) == length
    assert set(text) == set("ACGT")
    assert (text.count("G") + text.count("C")) / length == pytest.approx(gc, abs=5e-5)


@pytest.mark.slow
def test_discovery_reads_sequences() -> None:
    """A text and its reverse complement, in many pieces, have that symmetry and no other."""
    domain = SequenceDomain(window=3)
    flip = domain.known_actions()["reverse-complement"]
    found = domain.discover([text for each in _pieces() for text in (each, flip(each))], seed=1)
    assert [str(move) for move in domain.extend(found.representation)] == ["identity", flip.name]


def _pieces() -> list[str]:
    """Cut from a Markov chain that prefers some pairs of letters."""
    rng = np.random.default_rng(0)
    chain = np.array([[5, 1, 2, 1], [1, 2, 6, 1], [1, 4, 1, 2], [3, 1, 1, 2]]).cumsum(1)
    letters = [0]
    for _ in range(40_000):
        row = chain[letters[-1]]
        letters.append(int(np.searchsorted(row, rng.random() * row[-1], side="right")))
    text = "".join("ACGT"[k] for k in letters)
    return [text[k : k + 200] for k in range(0, len(text), 200)]


@pytest.mark.data
def test_embedded_genomes_are_those_of_ncbi(data_dir: Path) -> None:
    folder = data_dir / "genome-small"
    assert [*read_sequences(folder / "lambda_virus.fa")] == [sample_genome()]
    assert [*read_sequences(folder / "NC_000932.gb")] == [sample_chloroplast()]
    genbank, fasta = folder / "NC_005816.gb", folder / "NC_005816.fna"
    assert [*read_sequences(genbank)] == [*read_sequences(fasta)]


@pytest.mark.data
@pytest.mark.parametrize("w", [3, 6])
def test_reverse_complement_of_a_genome(data_dir: Path, w: int) -> None:
    """Reverse complement nearly keeps how often words occur, reverse and complement do not."""
    (file,) = (data_dir / "genome-ecoli-k12").glob("*_genomic.fna.gz")
    domain = SequenceDomain(window=w)
    moments = domain.moments(file)
    (text,) = read_sequences(file)
    assert moments.count == len(text) - w + 1
    if w == 3:
        counts = Counter(words([text], w))
        every = list(map("".join, itertools.product("ACGT", repeat=w)))
        weights = np.array([counts[word] for word in every])
        rows = np.array([hot(word) for word in every])
        np.testing.assert_allclose(moments.products.sum(0), rows.T * weights @ rows)
    between = moments.covariance().reshape(w, 4, w, 4).copy()
    between[range(w), :, range(w)] = 0
    flat = between.reshape(4 * w, 4 * w)
    violations = {}
    for name, move in domain.known_actions().items():
        order = move.permutation.numpy()
        moved = flat[np.ix_(order, order)]
        violations[name] = np.linalg.norm(moved - flat) / np.linalg.norm(flat)
    assert violations["reverse-complement"] < 0.05
    assert min(violations["reverse"], violations["complement"]) > 1
