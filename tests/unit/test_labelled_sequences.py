"""Sequences with classes: from files, names, tables; what is refused, and what is left out."""

from __future__ import annotations

import gzip
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from grouplearn.domains.labelled_sequences import LabelledSequences, load_labelled_sequences
from grouplearn.errors import DataError, InputError
from tests.unit.examples import is_helpful

Files = dict[str, str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        Path(name).write_text(content)
    Path("cut.fa.gz").write_bytes(gzip.compress(FILES["bound.fa"].encode() * 50)[:-12])
    return tmp_path


FILES: Files = {
    "bound.fa": ">b1 first\nACGTAC\n>b2\nAAGGTT\n>b3\nacgtaa\n",
    "free.fa": ">f1\nTTTTTT\n>f2\nCCCCCC\n",
    "all.fa": ">b1\nACGTAC\n>b2\nAAGGTT\n>f1\nTTTTTT\n",
    "long.fa": ">l1\nACGTACG\n>l2\nACG\n>l3\nACGTA\n",
    "n.fa": ">n1\nACGTAC\n>n2\nACNTAC\n>n3\nAC-TAA\n",
    "rna.fa": ">r1\nACGUAC\n>r2\nAAGGUU\n",
    "protein.fa": ">p1\nACGTAC\n>p2\nMKLVHE\n",
    "none.fa": ">b1\nACGTAC\n>b2\n>b3\nACGTAA\n",
    "twice.fa": ">b1\nACGTAC\n>b1\nACGTAA\n",
    "classes.csv": "name,class\nb1,bound\nb2,bound\nf1,free\n",
    "classes.tsv": "b1\tbound\nf1\tfree\nb2\tbound\n",
    "stranger.csv": "b1,bound\nb2,bound\nf1,free\nf9,free\n",
    "missing.csv": "b1,bound\nf1,free\n",
    "again.csv": "b1,bound\nb2,bound\nb2,free\nf1,free\n",
    "hole.csv": "b1,bound\nb2,\nf1,free\n",
    "wide.csv": "b1,bound,3\nb2,bound,4\nf1,free,4\n",
    "quoted.csv": 'b1,"bound\nb2,bound\n',
    "table.tsv": "id\tseq\tscore\tBound\ns1\tACGTAC\t3\t1\ns2\tAAGGTT\t4\t0\ns3\tCCCCCC\t4\t1\n",
    "bare.csv": "IE,  one, ACGTAC\nEI,  two, AAGGTT\nIE, three, CCCCCC\n",
    "ragged.csv": "IE,one,ACGTAC\nEI,AAGGTT\n",
    "numbers.csv": "a,1\nb,2\n",
    "titles.csv": "name,sequence,class\n",
}


def test_a_file_is_a_class(here: Path) -> None:
    found = load_labelled_sequences(["bound.fa", here / "free.fa"])
    assert found.letters == ("ACGTAC", "AAGGTT", "ACGTAA", "TTTTTT", "CCCCCC")
    assert found.names == ("b1", "b2", "b3", "f1", "f2")
    assert found.classes == ("bound", "free")
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    assert (found.notes, len(found), found.positive) == ((), 5, 0)
    alone = load_labelled_sequences(["bound.fa"])
    assert (alone.classes, alone.labels.tolist()) == (("bound",), [0, 0, 0])


@pytest.mark.parametrize("table", ["classes.csv", "classes.tsv"])
@pytest.mark.usefixtures("here")
def test_classes_come_by_name(table: str) -> None:
    found = load_labelled_sequences(["all.fa"], labels=table)
    assert found.classes == ("bound", "free")
    assert found.labels.tolist() == [0, 0, 1]


@pytest.mark.usefixtures("here")
def test_tables_hold_sequences_and_classes() -> None:
    found = load_labelled_sequences(["table.tsv"])
    assert found.names == ("s1", "s2", "s3")
    assert found.letters == ("ACGTAC", "AAGGTT", "CCCCCC")
    assert (found.classes, found.labels.tolist()) == (("0", "1"), [1, 0, 1])
    assert found.positive == 1
    assert load_labelled_sequences(["table.tsv"], labels="score").classes == ("3", "4")
    bare = load_labelled_sequences(["bare.csv"], labels="0")
    assert (bare.classes, bare.labels.tolist()) == (("EI", "IE"), [1, 0, 1])
    assert bare.names == ("on line 1", "on line 2", "on line 3")


@pytest.mark.usefixtures("here")
def test_lengths_are_cut_and_padded_about_the_middle() -> None:
    found = load_labelled_sequences(["long.fa"], length=5)
    assert found.letters == ("CGTAC", "-ACG-", "ACGTA")
    assert found.notes == ("1 cut and 1 padded to 5 letters",)
    assert load_labelled_sequences(["long.fa"], length=6).letters == ("ACGTAC", "-ACG--", "ACGTA-")


@pytest.mark.usefixtures("here")
def test_ambiguous_letters_are_blank_or_dropped_when_asked_for() -> None:
    blank = load_labelled_sequences(["n.fa"], ambiguous="blank")
    assert blank.letters == ("ACGTAC", "ACNTAC", "AC-TAA")
    assert blank.notes == ("2 have blanks in place of ambiguous letters",)
    drop = load_labelled_sequences(["n.fa"], ambiguous="drop")
    assert (drop.names, drop.notes) == (("n1",), ("2 with ambiguous letters are left out",))


def test_sequences_that_come_again_are_left_out(here: Path) -> None:
    (here / "more.fa").write_text(">x\nACGTAC\n>y\nGGGGGG\n>z\nGGGGGG\n")
    found = load_labelled_sequences(["bound.fa", "more.fa"])
    assert found.names == ("b1", "b2", "b3", "y")
    assert found.notes == ("2 that come again are left out, 1 of them in another class",)


@pytest.mark.usefixtures("here")
def test_shuffled_negatives_keep_pairs_and_stay_with_their_sequence() -> None:
    rng = np.random.default_rng(0)
    letters = tuple("".join(rng.choice(list("ACGT"), 30)) for _ in range(100))
    count = np.arange(100)
    one = LabelledSequences(letters, letters, np.zeros(100, np.int64), ("peaks",), count)
    both = one.with_shuffled(0)
    assert both.classes == ("peaks", "shuffled")
    assert both.labels.tolist() == [0] * 100 + [1] * 100
    for text, other in zip(both.letters[:100], both.letters[100:], strict=True):
        assert Counter(pairwise(text)) == Counter(pairwise(other))
    assert both.letters == one.with_shuffled(0).letters != one.with_shuffled(1).letters
    train, test = both.split(0.2, 0)
    assert (len(train), len(test)) == (160, 40)
    assert set(train.origins) & set(test.origins) == set()
    assert sorted([*train.names, *test.names]) == sorted(both.names)
    assert test.labels.mean() == 0.5


BAD: list[tuple[list[str], dict[str, object], list[str]]] = [
    (["bound.fa", "gone.fa"], {}, ["'gone.fa'", "No such file"]),
    (["bound.fa", "cut.fa.gz"], {}, ["'cut.fa.gz'", "an intact gzip file"]),
    (["bound.fa", "none.fa"], {}, ["record 'b2' without a sequence"]),
    (
        ["bound.fa", "long.fa"],
        {},
        ["of one length, here 6", "7 letters in record 'l1'", "--length"],
    ),
    (["bound.fa", "n.fa"], {}, ["dna letters ACGT", "'N' at position 2 of record 'n2'", "drop"]),
    (["bound.fa", "rna.fa"], {}, ["'U' at position 3 of record 'r1'", "--alphabet"]),
    (["bound.fa", "protein.fa"], {}, ["'L' at position 2 of record 'p2'", "--alphabet"]),
    (["bound.fa"], {"alphabet": "rna"}, ["rna letters ACGU", "'T' at position 3 of record 'b1'"]),
    (["bound.fa", "free.fa"], {"labels": "classes.csv"}, ["--labels must be left out"]),
    (["all.fa"], {"labels": "gone.csv"}, ["'gone.csv'", "No such file"]),
    (["all.fa"], {"labels": "stranger.csv"}, ["'f9', the name of no record in row 4"]),
    (["all.fa"], {"labels": "missing.csv"}, ["a class for each record", "none for 'b2'"]),
    (["all.fa"], {"labels": "again.csv"}, ["'b2' twice in row 3"]),
    (["all.fa"], {"labels": "hole.csv"}, ["no class for 'b2' in row 2"]),
    (["all.fa"], {"labels": "wide.csv"}, ["a table of two columns", "3 fields in row 1"]),
    (["all.fa"], {"labels": "quoted.csv"}, ["a table", "a broken line"]),
    (["twice.fa"], {"labels": "classes.csv"}, ["names of their own", "'b1' twice"]),
    (["table.tsv"], {"labels": "colour"}, ["a column of 'table.tsv' (0, 2, 3, id, score, Bound)"]),
    (["bare.csv"], {}, ["--labels must be given", "2 columns beside sequences"]),
    (["ragged.csv"], {}, ["lines of 3 fields", "2 on line 2"]),
    (["titles.csv"], {}, ["a table with rows", "titles alone"]),
    (["numbers.csv"], {}, ["FASTA, or a table with one column of sequences", "0"]),
    (["bound.fa"], {"length": 0}, ["--length must be from 1", "got 0"]),
    (["bound.fa"], {"ambiguous": "guess"}, ["--ambiguous must be one of refuse, blank, drop"]),
    (["bound.fa"], {"alphabet": "latin"}, ["--alphabet must be one of dna, rna, protein"]),
    (["n.fa"], {"ambiguous": "keep"}, ["--ambiguous must be one of"]),
]


@pytest.mark.parametrize(("paths", "options", "parts"), BAD, ids=lambda each: str(each)[:60])
@pytest.mark.usefixtures("here", "as_in_production")
def test_what_is_broken_is_named(
    paths: list[str], options: dict[str, object], parts: list[str]
) -> None:
    with pytest.raises((DataError, InputError)) as problem:
        load_labelled_sequences(paths, **options)  # type: ignore[arg-type]
    assert is_helpful(problem, *parts)


@pytest.mark.data
def test_splice_junctions_are_read_as_their_readme_counts_them(data_dir: Path) -> None:
    found = load_labelled_sequences(
        [data_dir / "dna-uci-splice" / "splice.data"], labels="0", ambiguous="blank"
    )
    assert (len(found), found.classes) == (3005, ("EI", "IE", "N"))
    assert found.notes[-1].startswith("185 that come again are left out")


@pytest.mark.data
def test_negatives_of_encode_are_shuffles_like_ours(data_dir: Path) -> None:
    """Each shuffle of the test set has the pairs of the bound sequence beside it; ours do, too."""
    (file,) = (data_dir / "dna-tfbs-encode101").glob("ELK1_*_B.seq.gz")
    found = load_labelled_sequences([file], labels="Bound")
    pairs = [Counter(pairwise(text)) for text in found.letters]
    bound, others = (
        [p for p, y in zip(pairs, found.labels, strict=True) if y == k] for k in (1, 0)
    )
    alike = {frozenset(each.items()) for each in bound}
    assert sum(frozenset(each.items()) in alike for each in others) > 0.9 * len(others)
    one = found.take(np.flatnonzero(found.labels == 1)).with_shuffled(0)
    for text, made in zip(one.letters[: len(bound)], one.letters[len(bound) :], strict=True):
        assert Counter(pairwise(text)) == Counter(pairwise(made))


def test_shuffles_are_filled_up_where_their_sequences_are() -> None:
    """Random sequences of unequal lengths: nothing but blanks could tell shuffles from them."""
    rng = np.random.default_rng(0)
    letters = tuple(
        f"{'-' * (k % 5)}{''.join(rng.choice(list('ACGT'), 20 + k % 7))}{'-' * (k % 3)}"
        for k in range(30)
    )
    one = LabelledSequences(
        letters, tuple(map(str, range(30))), np.zeros(30, dtype=np.int64), ("bound",),
        np.arange(30),
    )  # fmt: skip
    both = one.with_shuffled(0)
    for mine, other in zip(both.letters[:30], both.letters[30:], strict=True):
        assert [a == "-" for a in mine] == [b == "-" for b in other]
    with pytest.raises(InputError, match="of one class"):
        both.with_shuffled(0)
    with pytest.raises(InputError, match="share must be between 0 and 1"):
        both.split(1.5, 0)
