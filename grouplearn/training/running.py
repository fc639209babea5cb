"""The loop behind `fit`, by Lightning."""

from __future__ import annotations

import json
import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, final

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn._schema import misfit, parsed, rebuilding
from grouplearn.errors import GrouplearnError, TrainingError
from grouplearn.layers.filters import input_like
from grouplearn.layers.normalisation import synchronised
from grouplearn.models import LGN
from grouplearn.representations import DenseRepresentation
from grouplearn.training.checkpoints import TensorFileIO
from grouplearn.training.fingerprints import fingerprint, same_run
from grouplearn.training.fitting import LAST, FitEpoch, FitOptions
from grouplearn.training.labelled import Augmentation, Batch, Batches, EachOnce, Labelled, mixed
from grouplearn.training.objectives import Objective

Watch = Callable[[FitEpoch], object]
_RISE = 0.2
_STATE = "history"
_ANEW = "start the run anew"
_DROPOUT = 1  # another stream than that of order and augmentation, mixed(seed, epoch)
_PRECISIONS: dict[str, Any] = {
    "float32": "32-true", "bfloat16": "bf16-mixed", "float64": "64-true",
}  # fmt: skip


def run(
    model: nn.Module,
    train: Labelled,
    validation: Labelled | None,
    objective: Objective,
    augment: Augmentation | None,
    options: FitOptions,
    folder: Path | None,
    watch: Watch | None,
) -> tuple[FitEpoch, ...]:
    """Train, as `fit` says, and return all epochs."""
    known: dict[str, Any] = {}
    last: Path | None = None
    if folder is not None:
        known = fingerprint(model, train, validation, objective, augment, options)
        last = folder / LAST if (folder / LAST).exists() else None
    if last is not None:
        same_run(_known_in(last), known)
    keep = _Keeper(known, watch)
    if options.precision == "float64":  # before weights are loaded, which Lightning does first
        model.double()
    model.train()
    with _quiet():
        trainer = _trainer(
            options, folder, keep, judged=validation is not None, spare=_has_spare_parameters(model)
        )
        rank, world = trainer.global_rank, trainer.world_size
        batches = Batches(
            train, options.batch_size, seed=options.seed, augment=augment, rank=rank, world=world
        )
        judged = None if validation is None else EachOnce(validation)
        module = _Module(model, objective, options, len(batches))
        together = synchronised(model) if world > 1 else nullcontext()
        try:
            with together, _restoring(last, keep):
                trainer.fit(
                    module, batches, judged,
                    ckpt_path=None if last is None else str(last),
                    weights_only=True,
                )  # fmt: skip
        except SystemExit:  # what Lightning makes of SIGINT and SIGTERM
            raise KeyboardInterrupt from None
    if trainer.interrupted:
        raise KeyboardInterrupt
    return tuple(keep.history)


def _has_spare_parameters(model: nn.Module) -> bool:
    """Are there some that a loss may leave out? No process must wait for their gradients."""
    return any(isinstance(each, DenseRepresentation | LGN) for each in model.modules())


def _trainer(
    options: FitOptions, folder: Path | None, keep: _Keeper, *, judged: bool, spare: bool
) -> L.Trainer:
    callbacks: list[Callback] = [keep]
    if options.patience is not None and judged:
        callbacks.append(_Patience("score", mode="max", patience=options.patience, strict=False))
    if folder is not None:
        name = LAST.removesuffix(".safetensors")
        saver: Any = ModelCheckpoint(
            folder, name, save_top_k=1, save_on_train_epoch_end=True, enable_version_counter=False
        )
        saver.FILE_EXTENSION = ".safetensors"
        callbacks.append(saver)
    loggers = [] if folder is None else [
        CSVLogger(folder, name="log", version=""),
        TensorBoardLogger(folder, name="tensorboard", version=""),
    ]  # fmt: skip
    parallel = "ddp_find_unused_parameters_true" if spare else "ddp"
    return L.Trainer(
        max_epochs=options.epochs, accelerator=options.accelerator, devices=options.processes,
        strategy=parallel if options.processes > 1 else "auto", callbacks=callbacks,
        precision=_PRECISIONS[options.precision], gradient_clip_val=options.clip,
        check_val_every_n_epoch=options.validate_every, num_sanity_val_steps=0,
        logger=loggers, plugins=[TensorFileIO()], enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=folder is not None,
        use_distributed_sampler=False, default_root_dir=None if folder is None else str(folder),
        log_every_n_steps=1 << 30,
    )  # fmt: skip


@final
class _Module(L.LightningModule):
    """A network with its objective, in the form that Lightning trains."""

    def __init__(
        self, model: nn.Module, objective: Objective, options: FitOptions, steps: int
    ) -> None:
        super().__init__()
        self.model, self.objective, self.options = model, objective, options
        self.steps = steps * options.epochs
        self.sums: dict[str, Tensor] = {}
        self.scores: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        """The order of samples and dropout depend on nothing but seed and epoch."""
        batches: Any = self.trainer.train_dataloader
        batches.set_epoch(self.current_epoch)
        torch.manual_seed(mixed(self.options.seed, self.current_epoch, self.global_rank, _DROPOUT))
        self.sums = {}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch; refuses what is not finite."""
        terms = self.objective.terms(self.model, self._in_dtype(batch))
        for name, value in terms.items():
            if not bool(torch.isfinite(value.detach())):
                raise TrainingError(
                    f"fit: the {name} term must stay finite, got {float(value.detach())} in epoch "
                    f"{self.current_epoch + 1}, batch {batch_idx + 1}; lower the learning rate, or "
                    "clip the gradient"
                )
            held = self.sums.get(name, torch.zeros((), dtype=torch.float64))
            self.sums[name] = held + value.detach().double().cpu()
        return torch.stack(list(terms.values())).sum()

    def _in_dtype(self, batch: Batch) -> Batch:
        like = input_like(self.model)
        return batch[0] if like is None else batch[0].to(like.dtype), batch[1]

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Let the network put its weights right."""
        after: Any = getattr(self.model, "after_step", None)
        if after is not None:
            after()

    def on_validation_epoch_start(self) -> None:
        """Forget the scores of the epoch before."""
        self.scores = []

    def validation_step(self, batch: Batch, _: int) -> None:
        """Score a batch."""
        score = self.objective.score(self.model, self._in_dtype(batch))
        self.scores.append(score.double().cpu())

    def on_validation_epoch_end(self) -> None:
        """Tell early stopping the mean."""
        self.log("score", float(torch.cat(self.scores).mean()), logger=False)

    def configure_optimizers(self) -> Any:
        """AdamW, with a factor of the learning rate for every step."""
        trained = [each for each in self.model.parameters() if each.requires_grad]
        if not trained:
            refuse("fit", "model", "a network with parameters to train", "all frozen",
                   "call requires_grad_() on some")  # fmt: skip
        options = self.options
        optimiser = torch.optim.AdamW(
            trained, lr=options.learning_rate, weight_decay=options.weight_decay
        )
        factor: dict[str, Callable[[float], float]] = {
            "one-cycle": _one_cycle,
            "halving": _halving,
            "constant": lambda _: 1.0,
        }
        share = factor[options.schedule]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: share(n / self.steps))
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


@final
class _Patience(EarlyStopping):
    """Early stopping that knows after a restart, too, that it has ended the run."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over all but the patience, which may be another one now."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Train no further where the run had ended."""
        trainer.should_stop = self.wait_count >= self.patience


@final
class _Keeper(Callback):
    """The history, kept in checkpoints, beside what has to be the same for a run to go on."""

    def __init__(self, known: dict[str, Any], watch: Watch | None) -> None:
        self.known, self.watch = known, watch
        self.history: list[FitEpoch] = []
        self.start = time.perf_counter()
        self.trains = False

    @property
    def state_key(self) -> str:
        """The name of the state within a checkpoint."""
        return _STATE

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of this run."""
        epochs = [vars(each) for each in self.history]
        return {"known": json.dumps(self.known), "epochs": epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what came before."""
        epochs = state_dict["epochs"]
        if (wrong := misfit(epochs, list[FitEpoch])) is not None:
            raise ValueError(f"epochs, {wrong}")
        self.history = [FitEpoch(**each) for each in epochs]

    def on_fit_start(self, trainer: L.Trainer, pl_module: Any) -> None:  # noqa: ARG002
        """Write the epochs of an earlier part again: the CSV file is a new one.

        Lightning calls this also where all epochs are over.
        """
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger):
                for epoch in self.history:
                    _log(logger, epoch)

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:  # noqa: ARG002
        """Check what the optimiser was given, which it would not before its first step."""
        for optimiser in trainer.optimizers:
            for weight, state in optimiser.state.items():
                for name, value in state.items():
                    if value.shape != (() if name == "step" else weight.shape):
                        raise ValueError(f"{name} of shape {tuple(value.shape)}")
        self.trains = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record an epoch; Lightning has validated before, and checkpoints after this."""
        module: Any = pl_module
        for name, weight in module.model.named_parameters():
            if not bool(torch.isfinite(weight.detach()).all()):
                raise TrainingError(
                    f"fit: the weights must stay finite, got others in {name} after epoch "
                    f"{trainer.current_epoch + 1}; lower the learning rate, or clip the gradient"
                )
        steps = len(trainer.train_dataloader)  # type: ignore[arg-type]
        names = sorted(module.sums)
        means = torch.stack([module.sums[name] / steps for name in names])
        means = trainer.strategy.reduce(means, reduce_op="mean")
        judged = bool(module.scores)
        epoch = FitEpoch(
            trainer.current_epoch + 1,
            {name: float(value) for name, value in zip(names, means, strict=True)},
            float(torch.cat(module.scores).mean()) if judged else None,
            time.perf_counter() - self.start,
        )
        module.scores = []
        self.history.append(epoch)
        for logger in trainer.loggers:
            _log(logger, epoch)
        if self.watch is not None and trainer.is_global_zero:
            self.watch(epoch)


def _known_in(checkpoint: Path) -> dict[str, Any]:
    """The fingerprint of the run that a checkpoint is of."""
    with rebuilding("resume", checkpoint, _ANEW):
        state = TensorFileIO().load_checkpoint(checkpoint)["callbacks"][_STATE]
        known: dict[str, Any] = dict(parsed(state["known"]))
    return known


@contextmanager
def _restoring(checkpoint: Path | None, keep: _Keeper) -> Iterator[None]:
    """Say that a checkpoint is not whole where Lightning fails before it trains."""
    try:
        yield
    except Exception as problem:
        if checkpoint is None or keep.trains or isinstance(problem, GrouplearnError):
            raise
        with rebuilding("resume", checkpoint, _ANEW):
            raise


def _log(logger: Logger, epoch: FitEpoch) -> None:
    score = {} if epoch.score is None else {"score": epoch.score}
    logger.log_metrics({**epoch.terms, "loss": epoch.loss, **score}, epoch.epoch)
    logger.save()


def _one_cycle(share: float) -> float:
    """Rise along half a cosine for a fifth of the steps, then fall along half a cosine."""
    if share < _RISE:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * share / _RISE)) / 2
    return (1 + math.cos(math.pi * min((share - _RISE) / (1 - _RISE), 1.0))) / 2


def _halving(share: float) -> float:
    return 0.5 ** sum(share >= edge for edge in (1 / 2, 3 / 4, 7 / 8))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's advice on loaders, loggers and devices, which are chosen here."""
    log = logging.getLogger("lightning.pytorch")
    fabric = logging.getLogger("lightning.fabric")
    levels = log.level, fabric.level
    log.setLevel(logging.ERROR)
    fabric.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(levels[0])
        fabric.setLevel(levels[1])
