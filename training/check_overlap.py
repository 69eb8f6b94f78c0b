#!/usr/bin/env python3
"""Checks that the own training text holds no message of the development file and no light paraphrase of one.

    python training/check_overlap.py [--drop]

Compared in lower case, letters and digits only: equal texts, and pairs of texts with at least four
words whose word sets overlap by 0.7 (Jaccard) or that share 60 % of the shorter one's word trigrams. Exit 1 on a hit;
`--drop` removes the rows instead. Single emotes, greetings and bare commands of one to three words cannot be
paraphrased, so for them only equality counts.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sentiment import corpora  # noqa: E402


def words(text):
    return re.findall(r"\w+", text.lower())


def trigrams(tokens):
    return {tuple(tokens[at : at + 3]) for at in range(len(tokens) - 2)}


def hits(train, dev):
    """(train row, dev row, reason) for every pair that is too close."""
    prepared = [(example, words(example.text)) for example in dev]
    exact = {" ".join(tokens): example for example, tokens in prepared}
    raw = {example.text.strip().lower(): example for example in dev}
    out = []
    for example in train:
        tokens = words(example.text)
        same = exact.get(" ".join(tokens)) if tokens else None
        same = same or raw.get(example.text.strip().lower())
        if same:
            out.append((example, same, "equal"))
            continue
        if len(tokens) < 4:
            continue
        mine, grams = set(tokens), trigrams(tokens)
        for other, theirs in prepared:
            if len(theirs) < 4:
                continue
            both = mine & set(theirs)
            if len(both) / len(mine | set(theirs)) >= 0.7:
                out.append((example, other, "same words"))
                break
            shared = grams & trigrams(theirs)
            if len(shared) / min(len(grams), len(theirs) - 2) >= 0.6:
                out.append((example, other, "same trigrams"))
                break
    return out


def main():
    if not (corpora.shared_root() / "data/feedback/dev.tsv").exists():
        print("skipped: no development file")
        return 0
    train, dev = corpora.feedback(corpora.FEEDBACK_TRAIN), corpora.feedback_dev()
    found = hits(train, dev)
    for mine, theirs, reason in found:
        print(f"{reason}: {mine.row['id']} {mine.text!r} ~ {theirs.row['id']} {theirs.text!r}")
    if found and "--drop" in sys.argv:
        dropped = {mine.row["id"] for mine, _, _ in found}
        lines = corpora.FEEDBACK_TRAIN.read_text(encoding="utf-8").split("\n")
        kept = [line for line in lines if line.split("\t", 1)[0] not in dropped]
        corpora.FEEDBACK_TRAIN.write_text("\n".join(kept), encoding="utf-8")
        print(f"dropped {len(dropped)} rows")
        return 0
    print(f"{len(train)} training messages against {len(dev)} development messages: {len(found)} too close")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
