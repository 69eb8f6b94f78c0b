"""What the large model thinks of SST-2 text and of new text made from it: `python -m sentiment.teach [--texts N]`.

New texts need no label, because the teacher gives one, so they may change the meaning: a phrase inside a sentence gives way to
another that begins with the same word; words give way to neighbours in the word embeddings of the base encoder; sentences
are cut and phrases joined. Only the training files are used. Writes `teacher/sst2.pt` of the cache: the texts and for each the
teacher's positive score minus its negative one. Restartable.
"""

import argparse
import random
import re
import sys
from collections import defaultdict

import torch

from . import corpora, network
from .base import cache

SEED = 3
CHUNK = 2000
_WORD = re.compile(r"[a-z]{3,}")


def neighbours(words, folder, count=12, floor=0.45):
    """word -> up to `count` words of the list that are near it in the embedding table."""
    tokenizer = network.tokenizer(folder)
    table = torch.load(folder / "weights.pt")["embeddings.word_embeddings.weight"]
    kept = [(word, tokenizer.token_to_id(word)) for word in words]
    kept = [(word, index) for word, index in kept if index is not None]
    rows = torch.nn.functional.normalize(table[[index for _, index in kept]], dim=1)
    out = {}
    for start in range(0, len(kept), 2000):
        near = (rows[start : start + 2000] @ rows.T).topk(count + 1)
        for row, (values, indices) in enumerate(zip(near.values.tolist(), near.indices.tolist())):
            found = [kept[index][0] for value, index in zip(values, indices) if value > floor and index != start + row]
            if found:
                out[kept[start + row][0]] = found
    return out


class Maker:
    """New texts from the training files."""

    def __init__(self, rng):
        self.rng = rng
        self.sentences = [example.text for example in corpora.sst2("train")]
        self.phrases = [example.text for example in corpora.sst2("train-phrases") if example.text.count(" ") >= 1]
        self.openings = defaultdict(list)
        for phrase in self.phrases:
            self.openings[phrase.split(" ", 1)[0]].append(phrase)
        self.known = set(self.phrases)
        counts = defaultdict(int)
        for text in self.sentences:
            for word in text.split(" "):
                counts[word] += 1
        self.near = neighbours([word for word in counts if _WORD.fullmatch(word)], cache() / "base" / "minilm")

    def crossed(self):
        """A sentence in which a phrase of the training file is another one with the same first word."""
        words = self.rng.choice(self.sentences).split(" ")
        spans = [(start, end) for start in range(len(words)) for end in range(start + 2, min(len(words), start + 14) + 1)
                 if end - start < len(words) and len(self.openings.get(words[start], ())) > 3 and " ".join(words[start:end]) in self.known]
        if not spans:
            return None
        start, end = self.rng.choice(spans)
        other = self.rng.choice(self.openings[words[start]])
        return " ".join(words[:start]) + " " + other + " " + " ".join(words[end:])

    def substituted(self, text):
        """Some words give way to neighbours."""
        words = text.split(" ")
        share = self.rng.choice((0.1, 0.2, 0.35))
        return " ".join(self.rng.choice(self.near[word]) if word in self.near and self.rng.random() < share else word for word in words)

    def cut(self):
        """Half a sentence and more."""
        words = self.rng.choice(self.sentences).split(" ")
        length = self.rng.randint(max(3, len(words) // 2), max(3, len(words)))
        start = self.rng.randint(0, max(0, len(words) - length))
        return " ".join(words[start : start + length])

    def joined(self):
        """Two phrases in one line."""
        one, two = self.rng.choice(self.phrases), self.rng.choice(self.phrases)
        return one + self.rng.choice((" , but ", " and ", " , ", " -- ", " ; ")) + two

    def text(self):
        """One new text."""
        kind = self.rng.random()
        if kind < 0.5:
            made = self.crossed()
            return self.substituted(made) if made and self.rng.random() < 0.4 else made
        if kind < 0.75:
            return self.substituted(self.rng.choice(self.sentences))
        return self.cut() if kind < 0.87 else self.joined()

    def texts(self, count):
        """`count` different ones that are not in the training files."""
        seen = self.known | set(self.sentences)
        out = []
        while len(out) < count:
            made = self.text()
            made = made and re.sub(r" +", " ", made).strip()
            if made and made not in seen and made.count(" ") < 50:
                seen.add(made)
                out.append(made)
        return out


def scores(model, tokenizer, texts):
    """Positive minus negative score of every text."""
    ids = network.encode(tokenizer, texts)
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    out = torch.zeros(len(texts))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            sentiment = model(*network.pad([ids[index] for index in rows]))[0].float()
            out[rows] = sentiment[:, 2] - sentiment[:, 0]
    return out


def teach(count, phrases, stage):
    """Scores the training sentences, `phrases` of the training phrases and `count` new texts. What an earlier call scored stays, and
    only what is missing is scored."""
    folder = cache() / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "sst2.pt"
    known = torch.load(target) if target.exists() else {"texts": [], "scores": torch.zeros(0), "made": 0}
    known.setdefault("made", 0)
    phrase_order = [example.text for example in corpora.sst2("train-phrases") if example.text.count(" ") >= 2]
    random.Random(SEED).shuffle(phrase_order)
    texts = [example.text for example in corpora.sst2("train")] + phrase_order[:phrases]
    texts += Maker(random.Random(SEED + known["made"])).texts(max(0, count - known["made"]))
    before = set(known["texts"])
    texts = [text for text in dict.fromkeys(texts) if text not in before]
    if not texts:
        print("teacher: already finished")
        return
    tokenizer = network.tokenizer(cache() / "base" / "mpnet")
    model = network.from_base(cache() / "base" / "mpnet")
    model.load_state_dict(torch.load(cache() / "stages" / stage / "final.pt"))
    model.eval()
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        known["texts"] += chunk
        known["scores"] = torch.cat([known["scores"], scores(model, tokenizer, chunk)])
        # Not counted before all are there: a run that was stopped makes the same texts again and goes on.
        known["made"] = max(count, known["made"]) if start + CHUNK >= len(texts) else known["made"]
        torch.save(known, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)
        print(f"teacher: {start + len(chunk)} of {len(texts)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=14_000, help="how many new texts")
    parser.add_argument("--phrases", type=int, default=22_000, help="how many phrases of the training file")
    parser.add_argument("--stage", default="large")
    parser.add_argument("--show", type=int, default=0, help="print so many new texts and stop")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.show:
        print("\n".join(Maker(random.Random(SEED)).texts(arguments.show)))
        return
    teach(arguments.texts, arguments.phrases, arguments.stage)


if __name__ == "__main__":
    sys.exit(main())
