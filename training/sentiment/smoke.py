"""Checks an exported folder: it loads, gives finite scores of the right shape, knows its own training text better than
chance, and repeats itself: `python -m sentiment.smoke FOLDER`."""

import sys
from pathlib import Path

import numpy as np

from . import corpora
from .labels import ASPECTS, COMMANDS, SENTIMENTS

sys.path.insert(0, str(corpora.ROOT / "training"))
from evaluate import Onnx  # noqa: E402


def main():
    model = Onnx(Path(sys.argv[1]))
    examples = [example for example in corpora.feedback(corpora.FEEDBACK_TRAIN) if example.language == "en"][::12]
    texts = [example.text for example in examples]
    scores = model.scores(texts)
    assert [part.shape for part in scores] == [(len(texts), len(names)) for names in (SENTIMENTS, ASPECTS, COMMANDS)]
    assert all(np.isfinite(part).all() for part in scores)
    again = model.scores(texts)
    assert all((one == two).all() for one, two in zip(scores, again)), "the same text gave another score"
    accuracy = np.mean(scores[0].argmax(1) == [example.sentiment for example in examples])
    print(f"smoke: sentiment accuracy {accuracy:.3f} on {len(texts)} training messages (chance 0.33)")
    assert accuracy > 0.5, "the reduced run learnt nothing"
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
