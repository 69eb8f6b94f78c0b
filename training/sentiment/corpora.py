"""Reading the training and test texts. Every reader returns `Example`s; nothing here changes a text except undoing the
escapes that some public files carry (`&amp;`, `\\u2019`)."""

import codecs
import html
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path

from .labels import ASPECTS, COMMANDS, SENTIMENTS, aspect_vector, command_intent

ROOT = Path(__file__).resolve().parents[2]
UMSAB = {"en": "english", "es": "spanish", "pt": "portuguese", "fr": "french", "de": "german", "it": "italian",
         "hi": "hindi", "ar": "arabic"}
FEEDBACK_TRAIN = ROOT / "training" / "data" / "feedback.tsv"
FEEDBACK_VALIDATION = ROOT / "training" / "data" / "validation.tsv"
"""Own messages that are never trained on."""
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}")


@dataclass
class Example:
    """One text with what is known about it. `None` = not labelled for that head."""

    text: str
    sentiment: int | None = None
    binary: bool = False
    """True: only negative and positive exist in this set, so the loss ignores the neutral output."""
    aspects: list | None = None
    command: int | None = None
    language: str = "en"
    source: str = ""
    weight: float = 1.0
    soft: float | None = None
    """The teacher's positive score minus its negative one; such an example needs no label of its own."""
    kept: list | None = None
    """Three scores of an earlier model that are to stay as they are; such an example needs no label either."""
    row: dict | None = None


def shared_root():
    """Development data outside the repository: $HEADROOM_SHARED or ../shared."""
    return Path(os.environ.get("HEADROOM_SHARED", ROOT.parent / "shared"))


def _unescape(text):
    text = _ESCAPE.sub(lambda found: codecs.decode(found.group(), "unicode_escape"), text)
    return html.unescape(text).encode("utf-8", "ignore").decode("utf-8")


def labelled(path, source, language="en", binary=False):
    """`label<TAB>text` files of ../shared/data/text."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")[1:]
    rows = (line.split("\t", 1) for line in lines if line)
    return [Example(_unescape(text), SENTIMENTS.index(label), binary, language=language, source=source) for label, text in rows]


def sst2(split):
    """Stanford Sentiment Treebank, binary, sentences; split = train, train-phrases, dev or test."""
    return labelled(shared_root() / f"data/text/sst2/{split}.tsv", "sst2", binary=True)


def semeval2017(split):
    """SemEval-2017 task 4A. `train` and `val` are a fixed cut (seed 17, 2,000 rows) of the file train.tsv."""
    if split == "test":
        return labelled(shared_root() / "data/text/semeval2017/test.tsv", "semeval2017")
    rows = labelled(shared_root() / "data/text/semeval2017/train.tsv", "semeval2017")
    random.Random(17).shuffle(rows)
    return rows[:2000] if split == "val" else rows[2000:]


def umsab(language, split):
    """The unified multilingual sentiment benchmark (8 languages, balanced)."""
    return labelled(shared_root() / f"data/text/umsab/{UMSAB[language]}/{split}.tsv", "umsab", language)


def feedback(path):
    """Stream feedback with the three labels (columns of GUIDELINES.md)."""
    lines = Path(path).read_text(encoding="utf-8").rstrip("\n").split("\n")
    header = lines[0].split("\t")
    out = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(header):
            raise ValueError(f"{path}:{number}: {len(cells)} cells, the header has {len(header)}")
        row = dict(zip(header, cells))
        out.append(Example(row["text"], SENTIMENTS.index(row["sentiment"]), aspects=aspect_vector(row["aspects"]),
                           command=COMMANDS.index(command_intent(row["command"])), language=row["lang"],
                           source="feedback", row=row))
    return out


def feedback_dev():
    """The development file. Never train on it: a hidden set of the same kind measures the result."""
    return feedback(shared_root() / "data/feedback/dev.tsv")


_DELIVERY = re.compile(
    r"\b(buffer|lag|stream|audio|sound|video|quality|resolution|bitrate|pixel|blur|freez|frozen|watch|live|hd|4k|1080|720|"
    r"480|360|mute|volume|delay|mic|connection|wifi|internet|load)", re.IGNORECASE)


def as_ordinary(examples):
    """Public texts as weak negatives for the other two heads: no command, and no delivery aspect unless a delivery
    word occurs (then that head is left unlabelled)."""
    none = COMMANDS.index("none")
    for example in examples:
        example.command = none
        if not _DELIVERY.search(example.text):
            example.aspects = [0.0] * len(ASPECTS)
    return examples
