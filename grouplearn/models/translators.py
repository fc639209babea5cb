"""Encoder-decoders of token sequences, and how they commute with exchanges of tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.models.slots import Slots

PAD, START, END = 0, 1, 2
"""Numbers of the tokens that fill up, begin outputs and end them; inputs have the first alone."""

Tokens = Int64[Tensor, "batch time"]
Prefix = Int64[Tensor, "batch steps"]
Features = Float[Tensor, "batch steps width"]
Scores = Float[Tensor, "batch steps vocabulary"]
Pointed = Float[Tensor, "batch steps slots"]
State = tuple[Tensor, ...]

# Entries of q and k_i, the bound of their product, so that no sum overflows or vanishes, and the
# weight in the loss of the next member of every class.
_POINTER, _MOST, _AHEAD = 4, 30.0, 0.3


class Translator(nn.Module, ABC):
    """A network that reads a sequence of tokens, and scores the next token of another one.

    Args:
        inputs: number of tokens of the inputs, PAD among them.
        outputs: number of tokens of the outputs, PAD, START and END among them.
        width: of what is seen at each place, and of features.
    """

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.inputs = positive_int(type(self).__name__, "inputs", inputs, minimum=2)
        self.outputs = positive_int(type(self).__name__, "outputs", outputs, minimum=4)
        self.width = positive_int(type(self).__name__, "width", width, minimum=2)

    @abstractmethod
    def encode(self, inputs: Tokens) -> State:
        """Return what the decoder has to know of inputs, which PAD fills up at their end.

        The first tensor is what was seen at each place, (B, T, W).
        """

    @abstractmethod
    def advance(self, memory: State, state: State | None, token: Prefix) -> tuple[Tensor, State]:
        """Return the features of more tokens (B, S, W), and the state after them."""

    @abstractmethod
    def judge(self, memory: State, features: Features) -> Scores:
        """Return the scores of what follows, from features."""

    def forward(self, inputs: Tokens, prefix: Prefix) -> Scores:
        """The scores of what follows each token of outputs, which begin with START."""
        memory = self.encode(inputs)
        return self.judge(memory, self.advance(memory, None, prefix)[0])

    def loss(self, inputs: Tokens, outputs: Prefix) -> Tensor:
        """What training makes small: the cross entropy of each token of outputs after START."""
        return translation_loss(self(inputs, outputs[:, :-1]), outputs[:, 1:])


@final
class RecurrentTranslator(Translator):
    """Gated recurrent units that read both ways, and a decoder with attention.

    The decoder reads the outputs so far, attends to the input with its state, and reads what it saw
    there in a second layer. No part of it waits for its own attention, so that training runs
    through whole sequences at once.

    Args:
        inputs: number of tokens of the inputs.
        outputs: number of tokens of the outputs.
        width: of the states, even.
        dropout: of embeddings and states, below 1.

    References:
        Cho et al., 2014, Learning phrase representations using RNN encoder-decoder.
        Luong, Pham, Manning, 2015, Effective approaches to attention-based neural translation.

    Example:
        >>> network = RecurrentTranslator(5, 6, width=8)
        >>> network(torch.tensor([[3, 4, 0]]), torch.tensor([[1, 3]])).shape
        torch.Size([1, 2, 6])
    """

    def __init__(self, inputs: int, outputs: int, width: int = 128, dropout: float = 0.1) -> None:
        super().__init__(inputs, outputs, width)
        if width % 2:
            refuse(type(self).__name__, "width", "even, for two directions", width, "add 1")
        self.source = nn.Embedding(inputs, width, padding_idx=PAD)
        self.target = nn.Embedding(outputs, width, padding_idx=PAD)
        self.reader = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(width, width)
        self.writer = nn.GRU(width, width, batch_first=True)
        self.query = nn.Linear(width, width, bias=False)
        self.second = nn.GRU(2 * width, width, batch_first=True)
        self.mix = nn.Linear(3 * width, width)
        self.scores = nn.Linear(width, outputs)
        self.dropout = nn.Dropout(_share(self, dropout))

    def encode(self, inputs: Tokens) -> State:
        """Read the inputs both ways."""
        lengths = (inputs != PAD).sum(1).clamp(min=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.source(inputs)), lengths, batch_first=True, enforce_sorted=False
        )
        read, last = self.reader(packed)
        seen, _ = nn.utils.rnn.pad_packed_sequence(
            read, batch_first=True, total_length=inputs.shape[1]
        )
        start = torch.tanh(self.bridge(torch.cat(list(last), 1)))
        return seen, _empty(inputs), start

    def advance(self, memory: State, state: State | None, token: Prefix) -> tuple[Tensor, State]:
        """Read more tokens."""
        seen, empty, start = memory
        first, second = (start[None], start[None]) if state is None else state
        embedded = self.dropout(self.target(token))
        written, first = self.writer(embedded, first)
        weights = (self.query(written) @ seen.mT).masked_fill(empty[:, None], -torch.inf)
        found = weights.softmax(2) @ seen
        again, second = self.second(torch.cat([written, found], 2), second)
        mixed = torch.tanh(self.mix(self.dropout(torch.cat([written, again, found], 2))))
        return mixed, (first, second)

    def judge(self, memory: State, features: Features) -> Scores:  # noqa: ARG002
        """Score what follows."""
        return self.scores(features)


@final
class TransformerTranslator(Translator):
    """An encoder-decoder of attention layers.

    Args:
        inputs: number of tokens of the inputs.
        outputs: number of tokens of the outputs.
        width: of the tokens, a multiple of `heads`.
        layers: of the encoder, and of the decoder.
        heads: of each attention.
        dropout: of all layers, below 1.
        longest: the most tokens of a sequence.

    References:
        Vaswani et al., 2017, Attention is all you need.

    Example:
        >>> network = TransformerTranslator(5, 6, width=8, layers=1, heads=2)
        >>> network(torch.tensor([[3, 4, 0]]), torch.tensor([[1, 3]])).shape
        torch.Size([1, 2, 6])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        longest: int = 128,
    ) -> None:
        super().__init__(inputs, outputs, width)
        who, layers = type(self).__name__, positive_int(type(self).__name__, "layers", layers)
        if width % positive_int(who, "heads", heads):
            refuse(who, "width", f"a multiple of heads = {heads}", width,
                   f"pass width={(width // heads + 1) * heads}")  # fmt: skip
        options: dict[str, Any] = {
            "dim_feedforward": 2 * width, "dropout": _share(self, dropout), "batch_first": True,
            "norm_first": True,
        }  # fmt: skip
        self.source = nn.Embedding(inputs, width, padding_idx=PAD)
        self.target = nn.Embedding(outputs, width, padding_idx=PAD)
        self.places = nn.Embedding(positive_int(who, "longest", longest), width)
        self.reader = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(width, heads, **options), layers, enable_nested_tensor=False
        )
        self.writer = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(width, heads, **options), layers
        )
        self.scores = nn.Linear(width, outputs)

    def _placed(self, embedding: nn.Embedding, tokens: Prefix) -> Tensor:
        _refuse_long(tokens, self.places.num_embeddings)
        return embedding(tokens) + self.places.weight[: tokens.shape[1]]

    def encode(self, inputs: Tokens) -> State:
        """Let the tokens of inputs attend to one another."""
        empty = _empty(inputs)
        seen = self.reader(self._placed(self.source, inputs), src_key_padding_mask=empty)
        return seen, empty

    def advance(self, memory: State, state: State | None, token: Prefix) -> tuple[Tensor, State]:
        """Let each token attend to those before it, and to the input; the state is all tokens."""
        seen, empty = memory
        prefix = token if state is None else torch.cat([state[0], token], 1)
        time = prefix.shape[1]
        later = torch.ones(time, time, dtype=torch.bool, device=prefix.device).triu(1)
        written = self.writer(
            self._placed(self.target, prefix), seen, tgt_mask=later,
            memory_key_padding_mask=empty,
        )  # fmt: skip
        return written[:, -token.shape[1] :], (prefix,)

    def judge(self, memory: State, features: Features) -> Scores:  # noqa: ARG002
        """Score what follows."""
        return self.scores(features)


@final
class SlotTranslator(Translator):
    """An encoder-decoder that commutes with exchanges of tokens, on both sides at once.

    What a token is has two parts: its kind, which no element of the group changes, and its slot.
    The layers of another encoder-decoder embed, read and attend to kinds alone, so all they compute
    is invariant. Its scores give the kind of the next token. The slot comes from a pointer: with
    query q of the decoder and keys k_i of the places i of the input,

        P(slot s | class c) = (sum over i with slot s of exp(q . k_i) + exp(b_c) / n_c)
                              / (sum over i with a slot of c of exp(q . k_i) + exp(b_c)),

    where n_c is the number of slots of the class, and b_c is learned. A permutation of the slots
    permutes the sums, and so F(h x, h y) = h F(x, y) for every h of the group, whatever the weights
    are, up to the order of sums. A slot that does not occur in the input has a probability, too,
    the same as others of its class that do not.

    Where one member occurs twice, nothing says which place an output comes from. So `loss` asks the
    pointer at every step for the next member of every class, and q and k_i have 4 entries: which
    part of the input is read is learned from one class, and holds for the others. Their product is
    kept between -30 and 30 by a hyperbolic tangent.

    It has the parameters of the other network, and those of the pointer.

    Args:
        network: the other; its vocabularies are those of the tokens.
        slots: which tokens may be exchanged.
        tells_apart: let the layers see names of slots, and not kinds alone: random ones in
            training, and canonical ones, see `Slots`, in evaluation. Then they know which places
            hold the same member. The law holds exactly in evaluation, and on average in training.

    References:
        Vinyals, Fortunato, Jaitly, 2015, Pointer networks.

    Example:
        >>> slots = Slots(5, 6, [[([1], [3]), ([2], [4])]])
        >>> network = SlotTranslator(RecurrentTranslator(5, 6, width=8), slots).eval()
        >>> one, other = (network(torch.tensor([[x]]), torch.tensor([[1]])) for x in (1, 2))
        >>> torch.allclose(one[0, 0, [3, 4]], other[0, 0, [4, 3]], atol=1e-6)
        True
    """

    def __init__(self, network: Translator, slots: Slots, *, tells_apart: bool = False) -> None:
        super().__init__(network.inputs, network.outputs, network.width)
        for side, total, fixed in (("inputs", self.inputs, 1), ("outputs", self.outputs, END + 1)):
            owner = getattr(slots, f"{side}_slot")
            if len(owner) != total or bool((owner[:fixed] >= 0).any()):
                got = f"{len(owner)}, of which slots own {(owner >= 0).nonzero()[:, 0].tolist()}"
                refuse("SlotTranslator", "slots",
                       f"of {total} {side}, with none below {fixed} in a slot", got,
                       "build both for the same tokens; PAD, START and END stay")  # fmt: skip
        self.network, self.slots, self.tells_apart = network, slots, tells_apart
        self.pointer, self.keys = (
            nn.Linear(network.width, min(_POINTER, network.width), bias=False) for _ in range(2)
        )
        self.absent = nn.Parameter(torch.full((len(slots.sizes),), -1.0))

    def _names(self, *sequences: Tensor) -> Tensor:
        """The names under which the layers see slots: one for all of a class, or one for each."""
        slots, batch = self.slots, len(sequences[0])
        if not self.tells_apart:
            return slots.first.expand(batch, -1)
        return slots.draw(batch) if self.training else slots.names(*sequences)

    def encode(self, inputs: Tokens) -> State:
        """Encode what is invariant of the inputs, and keep them with their names."""
        names = self._names(inputs)
        return (*self.network.encode(self.slots.renamed(names, inputs)), names, inputs)

    def advance(self, memory: State, state: State | None, token: Prefix) -> tuple[Tensor, State]:
        """Read what is invariant of more tokens; the state holds all tokens."""
        *inner, names, inputs = memory
        before, prefix = None, token
        if state is not None:
            *rest, earlier = state
            before, prefix = tuple(rest), torch.cat([earlier, token], 1)
        if not self.training:
            names = self._names(inputs, prefix)
        named = self.slots.renamed(names, token, "outputs")
        features, after = self.network.advance(tuple(inner), before, named)
        return features, (*after, prefix)

    def judge(self, memory: State, features: Features) -> Scores:
        """The log probabilities of what follows: of its kind, and of its slot."""
        return self._judged(memory, features)[0]

    def loss(self, inputs: Tokens, outputs: Prefix) -> Tensor:
        """The cross entropy, and that of the slot of each class that comes next, now or later."""
        memory, following = self.encode(inputs), outputs[:, 1:]
        scores, pointed = self._judged(memory, self.advance(memory, None, outputs[:, :-1])[0])
        nexts = self.slots.upcoming(following, "outputs")
        missed = -pointed.gather(2, nexts.clamp(min=0)).masked_fill(nexts < 0, 0.0)
        ahead = missed.sum((0, 1)) / (nexts >= 0).sum((0, 1)).clamp(min=1)
        return translation_loss(scores, following) + _AHEAD * ahead.sum()

    def _judged(self, memory: State, features: Features) -> tuple[Scores, Pointed]:
        """Scores of tokens, and the log probability of each slot within its class."""
        *inner, _, inputs = memory
        slots = self.slots
        scores = self.network.judge(tuple(inner), features)
        if not slots.count:
            return scores.log_softmax(2), scores[..., :0]
        every = torch.arange(scores.shape[2], device=scores.device)[None]
        alike = slots.kinds(every, "outputs")[0]
        kinds = scores.masked_fill(alike != every[0], -torch.inf).log_softmax(2)[..., alike]
        owner = slots.outputs_slot
        match = self.pointer(features) @ self.keys(inner[0]).mT
        pointed = self._pointed(match, slots.inputs_slot[inputs])
        return kinds + torch.where(owner >= 0, pointed[..., owner.clamp(min=0)], 0.0), pointed

    def _pointed(
        self, match: Float[Tensor, "batch steps places"], places: Int64[Tensor, "batch places"]
    ) -> Pointed:
        """The log probability of each slot within its class."""
        slots = self.slots
        held = F.one_hot(places + 1, slots.count + 1)[..., 1:].to(match.dtype)
        mass = (_MOST * (match / _MOST).tanh()).exp() @ held
        spare = self.absent.exp()
        classes = F.one_hot(slots.classes, len(slots.sizes)).to(match.dtype)
        whole = mass @ classes + spare
        share = spare / classes.sum(0)
        return (mass + share[slots.classes]).log() - whole.log()[..., slots.classes]


@torch.no_grad()
def translated(network: Translator, inputs: Tokens, longest: int) -> Prefix:
    """Return the outputs that take the token of the highest score at every place.

    Among tokens that are tied, as those that have not occurred are, the one of the lowest number is
    taken: no choice among them could be equivariant.

    Args:
        network: in evaluation mode.
        inputs: (B, T).
        longest: so many tokens at most.

    Returns:
        (B, T'), which END ends and PAD fills up, without START.
    """
    memory, state = network.encode(inputs), None
    token = inputs.new_full((len(inputs), 1), START)
    ended = torch.zeros_like(token, dtype=torch.bool)
    out = []
    for _ in range(positive_int("translated", "longest", longest)):
        features, state = network.advance(memory, state, token)
        token = (
            network.judge(memory, features)[:, -1].argmax(1, keepdim=True).masked_fill(ended, PAD)
        )
        out.append(token)
        ended = ended | (token == END)
        if bool(ended.all()):
            break
    return torch.cat(out, 1)


def _empty(inputs: Tokens) -> Tensor:
    """Where attention must not look: at PAD, but for the first place of a row that has no more."""
    empty = inputs == PAD
    empty[:, :1] &= ~empty.all(1, keepdim=True)
    return empty


def _share(network: Translator, dropout: float) -> float:
    if finite_number(type(network).__name__, "dropout", dropout) >= 1:
        refuse(type(network).__name__, "dropout", "below 1", dropout, "0.1 is usual")
    return dropout


def _refuse_long(tokens: Prefix, longest: int) -> None:
    if tokens.shape[1] > longest:
        refuse("TransformerTranslator", "tokens", f"of at most {longest} places", tokens.shape[1],
               f"build it with longest={tokens.shape[1]}")  # fmt: skip


def translation_loss(scores: Scores, following: Prefix) -> Tensor:
    """The mean cross entropy of the tokens that follow, PAD left out.

    Args:
        scores: (B, T, V).
        following: (B, T).
    """
    return F.cross_entropy(scores.flatten(0, 1), following.flatten(), ignore_index=PAD)
