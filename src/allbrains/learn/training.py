"""The training loop: resumable in mid-epoch, in one process or several."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from allbrains.files import Hook, passing
from allbrains.learn.augment import augmented, seeds_for
from allbrains.learn.checkpoint import TrainingProgress, next_epoch, resume, save, save_weights
from allbrains.learn.feed import Feed
from allbrains.learn.inputs import images_of
from allbrains.learn.objectives import Objective
from allbrains.learn.processes import shared
from allbrains.learn.settings import LearnSettings
from allbrains.load.batch import Batch

CHECKPOINT, BEST = "checkpoint.safetensors", "network.safetensors"
TARGET, PERSON = "learn_target", "learn_person"  # columns that the samples' table carries in a run
_LONGEST_STEP = 1.0  # gradients of a greater norm are shortened to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training run: settings, loss, feeds, device, folder.

    Attributes:
        settings: of the run.
        objective: the loss.
        training: this process's part of the training side.
        validation: the validation side, whole.
        views: whether the images of the validation are augmented too: contrastive views need it.
        device: torch's name.
        folder: for checkpoint and weights.
        of: fingerprint of settings and samples.
        at: called with ``step N`` after each step; tests interrupt here.
    """

    settings: LearnSettings
    objective: Objective
    training: Feed
    validation: Feed
    views: bool
    device: str
    folder: Path
    of: str
    at: Hook = passing


def train(network: nn.Module, run: Run) -> TrainingProgress:
    """Train to the last epoch, from where an earlier call stopped, and return where the run stands.

    The weights of the epoch with the lowest validation loss are in ``network.safetensors``.

    Raises:
        ConfigurationError: the folder holds another run.
        CorpusError: its checkpoint is damaged.
    """
    settings = run.settings
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay)
    progress = resume(run.folder / CHECKPOINT, network, optimiser, run.of)
    wrapped = shared(network, run.training.share)
    for _ in range(progress.epoch, settings.epochs):
        progress, line = _epoch(wrapped, network, optimiser, run, progress)
        if run.training.share.rank == 0:
            line["validation_loss"] = validation_loss(network, run)
            progress = next_epoch(progress, line)
            if progress.best_epoch == progress.epoch - 1:
                save_weights(run.folder / BEST, network, {"allbrains.run": run.of})
            save(run.folder / CHECKPOINT, network, optimiser, progress)
        else:
            progress = next_epoch(progress, {**line, "validation_loss": float("inf")})
    return progress


def _epoch(
    wrapped: nn.Module,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    run: Run,
    progress: TrainingProgress,
) -> tuple[TrainingProgress, dict[str, float]]:
    """Return the progress at an epoch's end, and what is to be told of it."""
    settings, share = run.settings, run.training.share
    batches = run.training.epoch(progress.epoch, progress.batches)
    clock, samples, total = _Clock(), 0, settings.epochs * len(batches)
    dtype = precision(settings, run.device)
    scaler = torch.amp.GradScaler(
        "cuda", enabled=dtype is torch.float16, init_scale=progress.scale or 2.0**16
    )
    wrapped.train()
    for batch in clock.waiting(batches):
        torch.manual_seed((settings.seed * 1_000_003 + progress.step) * 1009 + share.rank)  # dropout
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * height(progress.step, total)
        optimiser.zero_grad(set_to_none=True)
        loss = _loss(wrapped, batch, run, progress.epoch, augment=True)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_STEP)
        scaler.step(optimiser)
        scaler.update()
        samples += len(batch) * share.world
        progress = replace(
            progress,
            step=progress.step + 1,
            batches=progress.batches + 1,
            loss=progress.loss + float(loss.detach()),
            scale=scaler.get_scale() if scaler.is_enabled() else 0.0,
        )
        if share.rank == 0 and progress.step % settings.checkpoint_steps == 0:
            save(run.folder / CHECKPOINT, network, optimiser, progress)
        run.at(f"step {progress.step}")
    return progress, {"epoch": progress.epoch, "loss": progress.loss / len(batches), **clock.told(samples)}


def height(step: int, total: int) -> float:
    """Return the learning rate as a share of its peak: warm-up in a tenth of the steps, then cosine decay."""
    rise = max(1, total // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


def precision(settings: LearnSettings, device: str) -> torch.dtype:
    """Return the type of the network's arithmetic."""
    if settings.precision != "auto":
        return getattr(torch, settings.precision)  # type: ignore[no-any-return]
    if not device.startswith("cuda"):
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _mixed(settings: LearnSettings, device: str) -> torch.autocast:
    dtype = precision(settings, device)
    return torch.autocast(device.partition(":")[0], dtype=dtype, enabled=dtype is not torch.float32)


def validation_loss(network: nn.Module, run: Run) -> float:
    """Return the mean loss over the validation side; views are drawn the same way in each epoch."""
    network.eval()
    sums, count = 0.0, 0
    with torch.no_grad():
        for batch in run.validation.epoch(0):
            sums += float(_loss(network, batch, run, epoch=-1, augment=run.views)) * len(batch)
            count += len(batch)
    return sums / count


def outputs(
    network: nn.Module, batches: Iterable[Batch], settings: LearnSettings, device: str
) -> Iterator[Tensor]:
    """Yield what a network gives for each batch, unchanged images, float32, on the CPU."""
    network.eval()
    for batch in batches:
        images = images_of(batch, settings.maps, settings.pool, device)
        with torch.no_grad(), _mixed(settings, device):
            yield network(images).float().cpu()


def _loss(network: nn.Module, batch: Batch, run: Run, epoch: int, *, augment: bool) -> Tensor:
    settings, device = run.settings, run.device
    images = images_of(batch, settings.maps, settings.pool, device)
    if augment:
        seeds = seeds_for([str(one) for one in batch.column("scan_id")], settings.seed, epoch)
        images = augmented(images, seeds, settings.augment)
    with _mixed(settings, device):
        found = network(images)
    targets = np.asarray(batch.column(TARGET), np.float64)
    return run.objective(found.float(), targets, np.asarray(batch.column(PERSON)))


class _Clock:
    """Where an epoch's time went."""

    def __init__(self) -> None:
        self._begin, self._cpu, self._waited = time.perf_counter(), time.process_time(), 0.0

    def waiting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the batches; the time until each is there is waiting."""
        iterator = iter(batches)
        while True:
            asked = time.perf_counter()
            batch = next(iterator, None)
            self._waited += time.perf_counter() - asked
            if batch is None:
                return
            yield batch

    def told(self, samples: int) -> dict[str, float]:
        """Return the share of time that was waited for data, and samples a CPU second of this process."""
        wall, cpu = time.perf_counter() - self._begin, time.process_time() - self._cpu
        return {"waited_share": self._waited / max(wall, 1e-9), "samples_per_cpu_s": samples / max(cpu, 1e-9)}
