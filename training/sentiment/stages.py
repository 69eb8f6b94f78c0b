"""Training runs by name: where each starts, what it reads, how it learns."""

from dataclasses import dataclass

from . import mixtures, network


@dataclass
class Stage:
    """One training run."""

    base: str
    start: str | None
    """Stage whose weights it starts from; None = the base encoder."""
    mixture: callable
    """rng -> list of examples for the whole run (repetitions included)."""
    rate: float
    stop_at: float = 1.0
    """Share of the planned steps that is run; the next stage brings the learning rate down."""
    before: float = 0.0
    """Share of the weights it started from in what is kept: old and new are good at other things, and on the validation sets
    a mean of both was better than either."""
    smooth: bool = False
    """Whether a running mean of the weights over the last quarter of the steps is kept instead of the last ones."""
    embeddings: bool = False
    """Whether the word embeddings learn too."""
    frozen_layers: int = 0
    """Lowest encoder layers left as they are: a third of the training time at little loss."""
    max_tokens: int = network.MAX_TOKENS
    batch_tokens: int = 1100
    seed: int = 1
    validation: callable = dict
    """-> the sets it is looked at with, by name."""


STAGES = {
    "en-public": Stage("minilm", None, mixtures.english_public, 1.5e-4, stop_at=0.4, validation=mixtures.english_validation),
    "en-mixed": Stage("minilm", "en-public", mixtures.english_mixed, 1.4e-4, stop_at=0.8, validation=mixtures.english_validation),
    "en-more": Stage("minilm", "en-mixed", mixtures.english_more, 1.2e-4, stop_at=0.85, validation=mixtures.english_validation),
    "en-own": Stage("minilm", "en-more", mixtures.english_own, 1e-4, validation=mixtures.english_validation),
    "en": Stage("minilm", "en-own", mixtures.english_final, 1.2e-4, before=0.5, embeddings=True, validation=mixtures.english_validation),
    "multi-mixed": Stage("e5", None, mixtures.multilingual_mixed, 1.5e-4, stop_at=0.5, frozen_layers=4, max_tokens=48, validation=mixtures.multilingual_validation),
    "multi-own": Stage("e5", "multi-mixed", mixtures.multilingual_own, 1.5e-4, frozen_layers=4, max_tokens=48, validation=mixtures.multilingual_validation),
    "multi": Stage("e5", "multi-own", mixtures.multilingual_final, 1.2e-4, frozen_layers=4, max_tokens=48, validation=mixtures.multilingual_validation),
    "multi-renewed": Stage("multi-shipped", "multi-shipped", mixtures.multilingual_renewed, 1.2e-4, smooth=True, before=0.25, frozen_layers=4, max_tokens=48, validation=mixtures.multilingual_validation),
    "multi-newest": Stage("multi-shipped", "multi-shipped", mixtures.multilingual_newest, 1e-4, before=0.25, frozen_layers=4, max_tokens=48, validation=mixtures.multilingual_validation),
    "en-renewed": Stage("en-shipped", "en-shipped", mixtures.english_renewed, 1.2e-4, stop_at=0.9, smooth=True, before=0.5, embeddings=True, validation=mixtures.english_validation),
    "en-taught": Stage("en-shipped", "en-shipped", mixtures.english_taught, 1.5e-4, before=0.2, embeddings=True, validation=mixtures.english_validation),
    "en-newest": Stage("en-shipped", "en-shipped", mixtures.english_newest, 1e-4, before=0.5, embeddings=True, validation=mixtures.english_validation),
    "large": Stage("mpnet", None, mixtures.large_mixture, 5e-5, frozen_layers=2, batch_tokens=1600, validation=mixtures.english_validation),
    "reduced": Stage("minilm", None, mixtures.reduced, 3e-4, batch_tokens=250, validation=dict),
}
