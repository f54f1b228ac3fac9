"""A baseline on one screen: gather, train, predict, score, report. A second call goes on, or only reports."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from allbrains.files import Hook, make_folder, passing
from allbrains.learn import linear
from allbrains.learn.checkpoint import load_weights
from allbrains.learn.cohort import Cohort, gather
from allbrains.learn.feed import Feed
from allbrains.learn.inputs import shape_of
from allbrains.learn.network import BrainNetwork, Encoder
from allbrains.learn.objectives import AgeObjective, Contrastive, Objective, Sex
from allbrains.learn.processes import device_for, together
from allbrains.learn.results import Results, write_predictions, write_results
from allbrains.learn.score_report import embedded, supervised
from allbrains.learn.settings import LearnSettings
from allbrains.learn.training import BEST, PERSON, TARGET, Run, outputs, train
from allbrains.load.order import Share
from allbrains.records import Array

_PROJECTION = 128  # outputs of the contrastive head, as in SimCLR (Chen et al. 2020)


def learn(out: str | Path, folder: Path, settings: LearnSettings, *, at: Hook = passing) -> Results | None:
    """Train a baseline on a corpus, test it, and write what was found to a folder.

    Returns:
        What was found; None in all processes of ``torchrun`` but the first.

    Raises:
        ConfigurationError: corpus, settings and folder don't fit together.
        CorpusError: the corpus or a checkpoint is damaged.
    """
    device = device_for(settings.device)
    with together(device) as share:
        cohort = gather(out, settings)
        settings = cohort.complete(settings)
        make_folder(folder)
        network = network_for(cohort, settings).to(device)
        progress = train(network, run_for(cohort, settings, folder, device=device, share=share, at=at))
        if share.rank:
            return None
        load_weights(folder / BEST, network)
        results = _tell(network, cohort, settings, folder, device)
        results = replace(results, history=progress.history)
        write_results(folder, results)
        return results


def network_for(cohort: Cohort, settings: LearnSettings) -> BrainNetwork:
    """Return an untrained network; the same for the same seed."""
    torch.manual_seed(settings.seed)
    encoder = Encoder(len(settings.maps), shape_of(cohort.brains, settings.pool), settings.widths)
    if settings.task == "contrastive":
        return BrainNetwork(encoder, _PROJECTION, dropout=settings.dropout, hidden=encoder.width)
    return BrainNetwork(encoder, 1, dropout=settings.dropout)


def objective_for(cohort: Cohort, settings: LearnSettings) -> Objective:
    """Return the task's loss, in units of the training side."""
    match settings.task:
        case "age":
            own = cohort.target[cohort.places("train")]
            return AgeObjective(mean=float(own.mean()), spread=float(own.std()) or 1.0)
        case "sex":
            return Sex()
        case "contrastive":
            sigma = settings.y_sigma_years if settings.y_aware else 0.0
            return Contrastive(temperature=settings.temperature, y_sigma_years=sigma)


def run_for(
    cohort: Cohort, settings: LearnSettings, folder: Path, *, device: str, share: Share, at: Hook
) -> Run:
    """Return this process's ``Run``: loss, feeds, device."""
    paired = settings.task == "contrastive"
    ids = "".join(cohort.brains.table["scan_id"].to_pylist()) + "".join(cohort.sides)
    of = hashlib.sha256(f"{settings.fingerprint} {share.world} {ids}".encode()).hexdigest()[:16]
    table = cohort.brains.table.append_column(TARGET, pa.array(cohort.target))
    brains = replace(cohort.brains, table=table.append_column(PERSON, pa.array(cohort.people.tolist())))

    def feed(side: str, part: Share) -> Feed:
        places = cohort.places(side)
        people = tuple(cohort.people[places].tolist()) if paired else ()
        own = replace(brains, table=brains.table.take(places))
        return Feed(
            brains=own,
            people=people,
            batch=settings.batch,
            seed=settings.seed,
            share=part,
            threads=settings.threads,
        )

    return Run(
        settings=settings,
        objective=objective_for(cohort, settings),
        training=feed("train", share),
        validation=feed("validation", Share()),
        views=paired,
        device=device,
        folder=folder,
        of=of,
        at=at,
    )


def _tell(
    network: BrainNetwork, cohort: Cohort, settings: LearnSettings, folder: Path, device: str
) -> Results:
    """Predict all samples, write what was predicted, and return the scores."""
    part = network.encoder if settings.task == "contrastive" else network
    found = _of_all(part, cohort, settings, device)
    if settings.task == "contrastive":
        scores, notes, alarm = embedded(cohort, settings, found, folder)
    else:
        told = {"CNN": _in_unit(found[:, 0], cohort, settings)}
        grey = linear.grey_matter(cohort.brains)
        told["linear"], _ = linear.predictions(
            linear.in_brain(grey, cohort.places("train")), cohort, settings.task
        )
        write_predictions(folder, cohort, told)
        scores, notes, alarm = supervised(cohort, settings, told)
    corpus = cohort.brains.corpus
    return Results(
        settings=settings,
        recipe=f"{corpus.recipe} ({corpus.fingerprint})",
        counts=cohort.counts(),
        scores=scores,
        notes=notes,
        alarm=alarm,
        history=(),
    )


def _of_all(network: nn.Module, cohort: Cohort, settings: LearnSettings, device: str) -> Array:
    """Return a network's outputs for all samples, in the table's order."""
    batches = cohort.brains.batches(settings.batch, threads=settings.threads, ahead=2)
    found = [one.double().numpy() for one in outputs(network, batches, settings, device)]
    return np.asarray(np.concatenate(found))


def _in_unit(found: Array, cohort: Cohort, settings: LearnSettings) -> Array:
    """Return outputs as years, or as the probability of male."""
    objective = objective_for(cohort, settings)
    if isinstance(objective, AgeObjective):
        return found * objective.spread + objective.mean
    return np.asarray(1 / (1 + np.exp(-found)))
