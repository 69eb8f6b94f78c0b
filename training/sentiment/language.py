"""The language guess that chooses the model: script first, then a small linear model over hashed character n-grams.

`python -m sentiment.language OUT.json` trains it (seconds, numpy only). The Rust side computes the same features:
the normalised text in lower case, mentions, `http` and words equal to the one before (but for `!?.,` around them) dropped, between one blank at each end;
every run of 1 to 4 characters; FNV-1a (32 bit) of its UTF-8 bytes modulo BUCKETS; value 1 if present; weights int8 with one scale.
"""

import base64
import functools
import json
import re
import sys
from pathlib import Path

import numpy as np

from . import corpora
from .labels import LANGUAGES
from .normalise import normalise

BUCKETS = 1 << 13
ENGLISH_BIAS = 0.35
"""A Latin-script text goes to the English model when its English probability is at least this: short chat ("gg",
"KEKW") belongs to every language, and the English model is the stronger one for it."""


@functools.lru_cache(maxsize=1 << 20)
def bucket(gram):
    """FNV-1a, 32 bit, of the UTF-8 bytes, modulo BUCKETS."""
    value = 0x811C9DC5
    for byte in gram.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value % BUCKETS


def prepare(text):
    """What the features are taken from."""
    pieces = [piece for piece in normalise(text).lower().split() if not piece.startswith("@") and piece != "http"]
    bare = [piece.strip("!?.,") for piece in pieces]
    pieces = [piece for at, piece in enumerate(pieces) if not at or bare[at] != bare[at - 1]]
    return " " + re.sub(r"\d+", "0", " ".join(pieces))[:200] + " "


def features(text):
    """Sorted bucket numbers that occur in the text."""
    ready = prepare(text)
    grams = {ready[at : at + size] for size in (1, 2, 3, 4) for at in range(len(ready) - size + 1)}
    return sorted({bucket(gram) for gram in grams})


def script(text):
    """`ar` or `hi` when most letters are Arabic or Devanagari, else None."""
    arabic = sum("\u0600" <= c <= "\u06ff" for c in text)
    devanagari = sum("\u0900" <= c <= "\u097f" for c in text)
    letters = sum(c.isalpha() for c in text)
    if arabic * 2 > letters:
        return "ar"
    return "hi" if devanagari * 2 > letters else None


class Router:
    """Language of a text and the model that reads it."""

    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    @classmethod
    def load(cls, path):
        stored = json.loads(Path(path).read_text())
        weights = np.frombuffer(base64.b64decode(stored["weights"]), dtype=np.int8).reshape(stored["buckets"], -1)
        return cls(weights.astype(np.float32) * stored["scale"], np.array(stored["bias"], dtype=np.float32))

    def probabilities(self, text):
        """One probability a language, in the order of LANGUAGES (Latin script only; hi = romanised Hindi)."""
        rows = features(text)
        scores = self.bias + self.weights[rows].sum(0) / np.sqrt(max(1, len(rows)))
        scores = np.exp(scores - scores.max())
        return scores / scores.sum()

    def language(self, text):
        return script(text) or LANGUAGES[int(self.probabilities(text).argmax())]

    def model_for(self, text):
        """`en` or `multi`."""
        if script(text):
            return "multi"
        return "en" if self.probabilities(text)[0] >= ENGLISH_BIAS else "multi"


CASES = (
    "gg", "KEKW", "the stream keeps buffering", "set 720p", "se ve todo borroso", "baja la calidad", "travando demais", "sem som de novo",
    "le son est en retard", "ça rame", "der stream ruckelt", "kein ton", "si blocca sempre", "audio perfetto", "stream atak rahi hai bhai",
    "awaz nahi aa rahi", "आवाज़ नहीं आ रही", "البث يقطع", "ok 👍", "", "12345", "@bob http://a.b/c", "1080p full hd", "l'image est nette ce soir",
    "que golazo!!!", "bitte 4k", "wtf is this lag", "lol البث يقطع كل شوي lol", "lag", "lag lag lag", "LAG LAG Lag!!", "lol", "offline", "no no no",
    "mucho lag", "que lag", "muito lag", "trop de lag", "laggt laggt laggt", "que que que lag",
)


def write_cases(path):
    """The shared cases of the Rust side beside `language.json`: text (a JSON string), language, model."""
    router = Router.load(path)
    lines = [f"{json.dumps(text)}\t{router.language(text)}\t{router.model_for(text)}\n" for text in CASES]
    Path(path).with_name("language-cases.tsv").write_text("".join(lines), encoding="utf-8")


CHAT = ("gg", "ggs", "lol", "lmao", "lag", "lags", "lagging", "offline", "online", "no", "nope", "ok", "go", "rip", "hi", "hello", "omg", "w", "l", "f", "ez",
        "pog", "buffer", "buffering", "freeze", "frozen", "delay", "ping", "fps", "hd", "live", "stream", "stream lag", "audio", "video", "sound", "error", "mute")
"""Words that chats in every language share: alone they are read by the English model."""


def train(path):
    """Multinomial logistic regression by plain averaged gradient steps over the own text, UMSAB and frequent words."""
    import wordfreq

    rng = np.random.default_rng(3)
    rows = []
    for name in LANGUAGES:
        rows += [(features(example.text), name) for example in corpora.umsab(name, "train") if name != "hi" and not script(example.text)]
    own = corpora.feedback(corpora.FEEDBACK_TRAIN)
    rows += 3 * [(features(example.text), example.language) for example in own if not script(example.text)]
    for name in LANGUAGES[:6]:
        words = wordfreq.top_n_list(name, 4000)
        for _ in range(3000):
            chosen = [words[int(len(words) * rng.random() ** 2)] for _ in range(rng.integers(2, 6))]
            rows.append((features(" ".join(chosen)), name))
    rows += [(features(example.text), "en") for example in corpora.semeval2017("train")[:6000]]
    rows += 20 * [(features(word), "en") for word in CHAT]
    weights = np.zeros((BUCKETS, len(LANGUAGES)), dtype=np.float32)
    bias = np.zeros(len(LANGUAGES), dtype=np.float32)
    for epoch in range(6):
        for index in rng.permutation(len(rows)):
            buckets, name = rows[index]
            norm = 1 / np.sqrt(max(1, len(buckets)))
            scores = bias + weights[buckets].sum(0) * norm
            scores = np.exp(scores - scores.max())
            gradient = scores / scores.sum()
            gradient[LANGUAGES.index(name)] -= 1
            rate = 1.5 / (1 + epoch)
            weights[buckets] -= rate * norm * gradient
            bias -= 0.02 * rate * gradient
    scale = float(np.abs(weights).max() / 127)
    stored = np.clip(np.round(weights / scale), -127, 127).astype(np.int8)
    Path(path).write_text(json.dumps({
        "version": 1, "languages": LANGUAGES, "buckets": BUCKETS, "ngrams": [1, 4], "english_threshold": ENGLISH_BIAS,
        "scale": scale, "bias": [round(float(value), 5) for value in bias], "weights": base64.b64encode(stored.tobytes()).decode()}) + "\n")
    router = Router.load(path)
    tests = {name: [example for example in corpora.umsab(name, "val") if not script(example.text)] for name in LANGUAGES if name not in ("hi", "ar")}
    tests["dev"] = corpora.feedback_dev()
    for name, examples in tests.items():
        right = np.mean([router.language(example.text) == example.language for example in examples])
        model = np.mean([(router.model_for(example.text) == "en") == (example.language == "en") for example in examples])
        print(f"{name}: language {right:.3f}, model {model:.3f} of {len(examples)}")


if __name__ == "__main__":
    train(sys.argv[1])
    write_cases(sys.argv[1])
