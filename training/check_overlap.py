#!/usr/bin/env python3
"""Checks that the own training text holds no message of the development file or of the own validation file, and no light
paraphrase of one; nor the validation file one of the development file.

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
    train, held_out = corpora.feedback(corpora.FEEDBACK_TRAIN), corpora.feedback(corpora.FEEDBACK_VALIDATION)
    pairs = [(corpora.FEEDBACK_TRAIN, train, "validation", held_out)]
    if (corpora.shared_root() / "data/feedback/dev.tsv").exists():
        dev = corpora.feedback_dev()
        pairs += [(corpora.FEEDBACK_TRAIN, train, "development", dev), (corpora.FEEDBACK_VALIDATION, held_out, "development", dev)]
    else:
        print("skipped: no development file")
    count = 0
    for path, mine, name, theirs in pairs:
        found = hits(mine, theirs)
        count += len(found)
        for one, other, reason in found:
            print(f"{reason}: {one.row['id']} {one.text!r} ~ {other.row['id']} {other.text!r}")
        print(f"{path.name}: {len(mine)} messages against {len(theirs)} {name} messages: {len(found)} too close")
        if found and "--drop" in sys.argv:
            drop(path, {one.row["id"] for one, _, _ in found})
    return 1 if count and "--drop" not in sys.argv else 0


def drop(path, ids):
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join(line for line in lines if line.split("\t", 1)[0] not in ids), encoding="utf-8")
    print(f"dropped {len(ids)} rows")


if __name__ == "__main__":
    sys.exit(main())
