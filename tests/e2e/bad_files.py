"""Files that bad command lines name, made in the current folder."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from grouplearn import CyclicGroup
from grouplearn.models import Pattern, PlainCNN
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from grouplearn.training import save
from tests.e2e.running import earlier_run

ROWS = np.random.default_rng(0).exponential(size=(300, 3)) * [1.0, 2.0, 4.0]
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
HEADER = struct.pack(">HBBIII", 0, 8, 3, *IMAGES.shape)


def text(name: str, content: str) -> None:
    Path(name).write_text(content, encoding="utf-8")


def prepare_learn() -> None:
    Path("images").write_bytes(HEADER + IMAGES.tobytes())
    Path("truncated-images-idx3").write_bytes(HEADER + IMAGES.tobytes()[:-1])
    Path("black").write_bytes(HEADER + bytes(IMAGES.size))
    Path("labels").write_bytes(struct.pack(">HBBI", 0, 8, 1, 3) + bytes(3))
    Path("empty").mkdir()
    earlier_run(Path("earlier"))
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("five years", encoding="utf-8")


def prepare_arrays() -> None:
    np.save("rows.npy", ROWS)
    np.save("few.npy", ROWS[:3])
    np.save("one.npy", ROWS[:1])
    np.save("narrow.npy", ROWS[:, :1])
    np.save("still.npy", np.ones((300, 3)))
    np.save("zeros.npy", np.zeros((300, 3)))
    np.save("line.npy", ROWS[:, 0])
    np.save("words.npy", np.array([["a", "b"], ["c", "d"]]))
    np.savez("two.npz", a=ROWS, b=ROWS)
    prepare_nans()
    np.save("flat.npy", np.zeros((20, 6, 6), dtype=np.uint8))
    Path("cut.npy").write_bytes(Path("rows.npy").read_bytes()[:-9])
    Path("cut.npz").write_bytes(Path("two.npz").read_bytes()[:200])


def prepare_nans() -> None:
    bad = ROWS.copy()
    bad[7, 2] = np.nan
    np.save("nan.npy", bad)
    images = np.random.default_rng(0).random((20, 6, 6)).astype(np.float32)
    np.save("images.npy", images)
    images[3, 2, 1] = np.nan
    np.save("nan-images.npy", images)


def prepare_texts() -> None:
    text("rows.csv", "x,y,z,block,half\n" + "\n".join(
        f"{a},{b},{c},{k},{k / 2}" for k, (a, b, c) in enumerate(ROWS)))  # fmt: skip
    text("names.csv", "x,y\n1,2\n3,four\n")
    text("ragged.csv", "x,y\n1,2\n3\n")
    text("head.csv", "x,y\n")
    text("blank.txt", " \n\n")
    text("one.txt", "alone\nalone\n")
    text("proteins.fa", ">p\nMKVLWAALLVTF\n")
    text("empty.fa", ">p\n>q\nACGT\n")
    text("short.fa", ">p\nACG\n")
    text("labels.csv", "1\n2\n3\n")
    text("pair.csv", "1,2\n2,3\n")
    Path("empty").write_bytes(b"")
    Path("noise.bin").write_bytes(bytes([7, 0, 255, 254] * 50))
    Path("late.bin").write_bytes(b"plain text then \0 more")
    fasta = gzip.compress(b">p\n" + b"ACGTTGCA" * 4000)
    Path("cut.fa.gz").write_bytes(fasta[: len(fasta) // 2])
    Path("cut-images").write_bytes(struct.pack(">HBBIII", 0, 8, 3, 9, 9, 9) + bytes(80))
    for folder in ("void", "mine"):
        Path(folder).mkdir()
    earlier_run(Path("earlier"))
    text("mine/thesis.txt", "five years")


def prepare_actions() -> None:
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    np.save("turn.npy", turn.numpy())
    np.save("both.npy", np.stack([turn.numpy(), np.diag([1.0, -1.0])]))
    np.save("swap.npy", np.eye(2)[::-1])
    np.save("stretch.npy", np.diag([2.0, 1.0]))
    save(FixedRepresentation(CyclicGroup(4), turn[None]), "turn.safetensors")
    save(PlainCNN(Pattern(1, 2)), "network.safetensors")
    save(SpectralRepresentation(CyclicGroup(5), 5), "five.safetensors")


def prepare_test() -> None:
    prepare_actions()
    np.save("rows.npy", ROWS)
    np.save("pairs.npy", ROWS[:, :2])
    np.save("seven.npy", ROWS[:7])
    np.save("same.npy", np.ones((20, 3)))
    prepare_nans()
    np.save("nan-matrix.npy", np.diag([1.0, np.nan]))
    np.save("line.npy", ROWS[:, 0])
    np.save("eye.npy", np.eye(2))
    labelled = [f"{x},{y},1,{k},{k / 2}" for k, (x, y, _) in enumerate(ROWS)]
    Path("rows.csv").write_text("\n".join(["x,y,one,n,half", *labelled]), encoding="utf-8")
    Path("short.fa").write_text(">p\nACGTTGCA\n", encoding="utf-8")
    Path("wrong.fa").write_text(">p\nMKVLWAALLVTF\n", encoding="utf-8")
    Path("broken.safetensors").write_bytes(b"not a tensor")
    Path("cut.npy").write_bytes(Path("turn.npy").read_bytes()[:-9])
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("five years", encoding="utf-8")


def prepare_train() -> None:
    save(FixedRepresentation.from_permutations([[1, 0]]), "wrong.safetensors")
    Path("broken.safetensors").write_bytes(Path("wrong.safetensors").read_bytes()[:60])
    Path("odd.json").write_text('{"options": {"unheard": 1}}')
    Path("five.json").write_text('{"options": 5}')
    Path("inner.json").write_text('{"options": {"sequences": 5}}')
    Path("text.json").write_text('{"options": {"rotated": "false"}}')
    for name in ("a", "b"):
        for folder, side in (("odd", 3), ("few", 8)):
            Path(folder, name).mkdir(parents=True)
            Image.new("L", (side, side), 9).save(Path(folder, name, "0.png"))


def prepare_discover() -> None:
    prepare_arrays()
    prepare_texts()


def prepare_reading() -> None:
    """Files of kinds that people have, each with one thing wrong."""
    text("words.csv", "x,y,pet\n1,2,cat\n2,1,dog\n")
    text("gap.csv", "x,y,pet\n1,2,cat\n2,1,\n")
    np.save("last.npy", np.ones((5, 9, 9, 3), np.uint8))
    np.save("complex.npy", np.ones((5, 2)) * 1j)
    np.savez("two.npz", x=ROWS, z=ROWS[:, :2])
    text("genes.vcf", "##fileformat=VCFv4.2\n#CHROM\tPOS\n")
    text("genes.gff", "##gff-version 3\nchr1\t.\tgene\t1\t9\t.\t+\t.\tID=a\n")
    text("genes.bed", "chr1\t1\t9\nchr2\t3\t8\n")
    text("reads.sam", "@HD\tVN:1.6\n")
    text("atoms.pdb", "HEADER    OXYGEN TRANSPORT\n")
    text("page.html", "<!DOCTYPE html>\n")
    text("data.json", '{"a": 1, "b": [2]}\n')
    text("reads.qual", ">a\n31 31 30\n")
    pairs = [f"walk {k % 3}\tW {k % 3}" for k in range(60)]
    text("pairs.tsv", "\n".join([*pairs, "run\tR\tR", ""]))
    text(
        "cut.embl",
        "ID   X; SV 1; linear; DNA; STD; PRO; 99 BP.\nSQ   Sequence 99 BP;\n     acgt 4\n//\n",
    )
    for name, start in (("pkl", b"\x80\x04"), ("h5", b"\x89HDF"), ("pdf", b"%PDF-1.7\n\xff\xff"),
                        ("bz2", b"BZh91AY\xff")):  # fmt: skip
        Path(f"data.{name}").write_bytes(start + bytes(9))
    Path("cut.csv.gz").write_bytes(gzip.compress(ROWS.tobytes())[:400])
    for folder in ("sizes", "broken", "deep", "flat"):
        Path(folder).mkdir()
        Image.new("L", (8, 9), 7).save(Path(folder, "a.png"))
    Image.new("L", (9, 9), 7).save("sizes/z.png")
    Path("broken/z.png").write_bytes(Path("broken/a.png").read_bytes()[:40])
    Image.fromarray(np.full((9, 8), 1000, np.uint16)).save("deep/z.png")


def prepare_inspect() -> None:
    np.save("turn.npy", np.roll(np.eye(4), 1, axis=0))
    np.save("narrow.npy", np.ones((3, 4)))
    np.save("words.npy", np.array([["a", "b"], ["c", "d"]]))
    np.save("nan.npy", np.full((3, 3), np.nan))
    np.save("zeros.npy", np.zeros((3, 3)))
    Path("cut.npy").write_bytes(Path("turn.npy").read_bytes()[:-9])
    text("notes.txt", "no matrix")
    text("page.html", "mine")
    Path("void").mkdir()
    earlier_run(Path("broken"))
    text("broken/found.json", '{"results": [{"data": 1}]}')


def prepare_tokens() -> None:
    """Pairs of token sequences with one thing wrong, and options that do not fit them."""
    pairs = "".join(f"IN: do {k % 9} {k % 8} OUT: {k % 9} X {k % 8}\n" for k in range(72))
    for name, content in {
        "pairs.txt": pairs,
        "few.txt": "IN: a OUT: b\nIN: a OUT: c\nIN: b OUT: c\n",
        "short.txt": pairs[: pairs.index("IN: do 4 5")],
        "cut.txt": pairs + "IN: do 1 2 OUT:\n",
        "half.tsv": "input\toutput\n",
        "lines.txt": "walk and run\nlook and walk\n",
        "mixed.jsonl": '{"input": "a b", "output": "c"}\n' * 60 + '{"input": 5}\n',
        "empty.txt": "",
        "odd.json": '{"kind": "tokens", "colour": 3}',
        "other.json": '{"kind": "tokens", "accept": "all"}',
        "lgn.json": '{"kind": "tokens", "network": "lgn"}',
    }.items():
        text(name, content)
    Path("bytes.txt").write_bytes(pairs.encode() + b"IN: \xff OUT: a\n")
    Path("cut.gz").write_bytes(gzip.compress(pairs.encode() * 50)[:-12])
    Path("folder").mkdir()


def prepare_sequences() -> None:
    """Labelled sequences that do not fit one another, and tables of their classes."""
    bound = ">b1 first\nACGTAC\n>b2\nAAGGTT\n>b3\nacgtaa\n"
    for name, content in {
        "bound.fa": bound,
        "free.fa": ">f1\nTTTTTT\n>f2\nCCCCCC\n",
        "all.fa": ">b1\nACGTAC\n>b2\nAAGGTT\n>f1\nTTTTTT\n",
        "long.fa": ">l1\nACGTACG\n>l2\nACG\n",
        "n.fa": ">n1\nACGTAC\n>n2\nACNTAC\n",
        "rna.fa": ">r1\nACGUAC\n",
        "proteins.fa": ">p1\nMKLVHE\n",
        "none.fa": ">b1\nACGTAC\n>b2\n>b3\nACGTAA\n",
        "stranger.csv": "b1,bound\nb2,bound\nf1,free\nf9,free\n",
        "classes.csv": "b1,bound\nb2,bound\nb3,free\n",
        "missing.csv": "b1,bound\nf1,free\n",
        "again.csv": "b1,bound\nb2,bound\nb2,free\nf1,free\n",
        "table.tsv": "id\tseq\tBound\ns1\tACGTAC\t1\ns2\tAAGGTT\t0\ns3\tCCCCCC\t1\n",
        "numbers.csv": "a,1\nb,2\n",
        "odd.json": '{"sequences": {"colour": 3}}',
        "other.json": '{"kind": "sequence", "sequences": {"alphabet": 3}}',
    }.items():
        text(name, content)
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("ACGT"), 20)) for _ in range(60)]
    text("many.fa", "".join(f">m{k}\n{row}\n" for k, row in enumerate(rows)))
    Path("cut.fa.gz").write_bytes(gzip.compress(bound.encode() * 50)[:-12])
    Path("free").mkdir()
    five = FixedRepresentation(CyclicGroup(5), torch.eye(5).roll(1, 0)[None])
    save(five, "five.safetensors")
