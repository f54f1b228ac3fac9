"""What can be set, its defaults, and the way from and to a TOML file. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec

from allbrains.errors import ConfigurationError

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Task = Literal["age", "sex", "contrastive"]

# Where the truth is known, after 100 steps the network tells everybody nearly the mean age, after 250 no more
# (docs/benchmarks/learn.md). Thousands of scans make so many steps in few epochs: hence the other floor.
_FEWEST_STEPS, _FEWEST_EPOCHS = 400, 20

# where a run stands or runs, not what it learns: these may change between a run and its continuation
_WHERE = ("device", "threads", "checkpoint_steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnSettings:
    """How a baseline is trained and tested.

    Attributes:
        task: what is learnt.
        maps: the network's input, a channel each.
        where: SQL condition on the samples that take part.
        split: ``datasets``: no dataset is on two sides; ``persons``: no person is; ``stored``: as the corpus'
            ``splits.parquet`` says.
        shares: of training, validation and test.
        pool: voxels along each axis that are averaged into one: 2 makes 2 mm of 1 mm.
        widths: channels of the network's blocks (SFCN's own: Peng et al. 2021).
        dropout: share of the features that are left out before the last layer; it draws a regression towards
            the mean, so that the old are told too young.
        batch: samples a step, over all processes together.
        epochs: over the training side; 0 for as many as make 400 steps, 20 or more.
        learning_rate: the highest, of AdamW; it rises over the first tenth of the steps, then falls to 0.
        weight_decay: of AdamW.
        augment: strength of the random changes; 0 for none, 1 for the usual.
        temperature: contrastive: of the softmax over likenesses.
        y_aware: contrastive: people of like age are alike, too; needs ages.
        y_sigma_years: contrastive: how like, the kernel's standard deviation.
        shuffle_labels: a control: give people each other's labels; every score must then be chance.
        head_size: column that stands for head size, ml.
        bootstrap: draws for the intervals.
        seed: of everything random.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: of the network's arithmetic; ``auto`` is bfloat16 (or float16) on a GPU, float32 elsewhere.
        threads: that read; 0 for one a core.
        checkpoint_steps: steps between two checkpoints; there is one after each epoch besides.
    """

    task: Task
    maps: tuple[str, ...] = ("modulated_gm",)
    where: str = "qc_pass"
    split: Literal["datasets", "persons", "stored"] = "datasets"
    shares: tuple[NotNegative, NotNegative, NotNegative] = (0.6, 0.2, 0.2)
    pool: Positive = 2
    widths: tuple[Positive, ...] = (32, 64, 128, 256, 256, 64)
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    batch: Positive = 8
    epochs: Annotated[int, msgspec.Meta(ge=0)] = 0
    learning_rate: NotNegative = 2e-3
    weight_decay: NotNegative = 1e-2
    augment: NotNegative = 1.0
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 0.1
    y_aware: bool = False
    y_sigma_years: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    shuffle_labels: bool = False
    head_size: str = "icv_ml"
    bootstrap: Positive = 1000
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    checkpoint_steps: Positive = 200

    def __post_init__(self) -> None:
        """Refuse what means nothing.

        Raises:
            ConfigurationError: as said.
        """
        if not self.maps or not self.widths:
            raise ConfigurationError("maps and widths: expected at least one")
        if self.task == "contrastive" and self.batch % 2:
            raise ConfigurationError(
                f"batch {self.batch}: a contrastive batch holds pairs, expected an even number"
            )

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when what is learnt changes."""
        told = {name: value for name, value in asdict(self).items() if name not in _WHERE}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def enough(self, samples: int) -> LearnSettings:
        """Return the settings with a number of epochs, where none is set.

        Args:
            samples: of the training side; for contrastive the people, of each of whom an epoch sees a pair.
        """
        if self.epochs:
            return self
        views = 2 if self.task == "contrastive" else 1
        steps = max(1, math.ceil(samples * views / self.batch))
        return replace(self, epochs=max(_FEWEST_EPOCHS, math.ceil(_FEWEST_STEPS / steps)))

    def to_toml(self) -> str:
        """Return the settings as a file that ``from_toml`` reads."""
        # JSON's numbers, texts, truth values and lists are TOML's, too
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in asdict(self).items())


# The displacement is left out of the picture and t1w too: it shows the scanner more than the person.
_OF_TASK: Mapping[str, Mapping[str, Any]] = {
    "age": {},
    "sex": {},
    "contrastive": {"maps": ["gm", "logjac"], "batch": 32},
}


def settings_for(task: str, toml: str = "", changes: Mapping[str, Any] | None = None) -> LearnSettings:
    """Return the settings of a task: its defaults, then what a file says, then what the command line says.

    Args:
        task: ``age``, ``sex`` or ``contrastive``.
        toml: text of a settings file.
        changes: by name; None for what isn't given.

    Raises:
        ConfigurationError: a name or a value is wrong.
    """
    try:
        told = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the settings are not TOML: {error}") from error
    if told.get("task", task) != task:
        raise ConfigurationError(f"the settings are for {told['task']!r}, not {task!r}")
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    names = [field.name for field in fields(LearnSettings)]
    for name in told:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            raise ConfigurationError(
                f"no setting {name!r}"
                + (f"; did you mean {close[0]!r}?" if close else f"; there are {names}")
            )
    try:
        return msgspec.convert({**_OF_TASK[task], **told, **given, "task": task}, LearnSettings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"settings: {error}") from error
