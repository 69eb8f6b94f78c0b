"""Which messages are taken for reports of trouble: reports.py BINARY [CHAT_QUESTIONS]

Counts the questions of data/questions.tsv that are, with the right aspect, the ordinary chat of data/ordinary.tsv that is, and the
statements of trouble in data/validation.tsv that are.
"""
import collections
import json
import pathlib
import subprocess
import sys

DATA = pathlib.Path(__file__).parent / "data"


def classify(binary, texts):
    sent = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    done = subprocess.run([binary, "classify", "-", "--json"], input=sent, text=True, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(name):
    return [line.split("\t") for line in (DATA / name).read_text(encoding="utf-8").splitlines()[1:]]


def displeased(found):
    """What counted before there was a judgement of its own."""
    return found["sentiment"] == "negative" and bool(found["aspects"])


def main():
    binary = sys.argv[1]
    questions, right, before = rows("questions.tsv"), collections.Counter(), 0
    for (language, aspect, _), found in zip(questions, classify(binary, [row[2] for row in questions])):
        right[language] += found["complaint"] and aspect in found["aspects"]
        before += displeased(found) and aspect in found["aspects"]
    print(f"questions: {sum(right.values())} of {len(questions)} reported with their aspect, {before} displeased; {dict(right)}")
    ordinary, wrong, before = rows("ordinary.tsv"), collections.Counter(), 0
    for (language, _), found in zip(ordinary, classify(binary, [row[1] for row in ordinary])):
        wrong[language] += found["complaint"]
        before += displeased(found)
    count = len(ordinary)
    print(f"ordinary chat: {sum(wrong.values())} of {count} taken for reports ({100 * sum(wrong.values()) / count:.2f} %), "
          f"{before} displeased ({100 * before / count:.2f} %); {dict(wrong)}")
    stated = [row[3] for row in rows("validation.tsv") if row[4] == "negative" and row[5] not in ("", "none")]
    found = classify(binary, stated)
    share = [100 * sum(map(of, found)) / len(stated) for of in (lambda each: each["complaint"], displeased)]
    print(f"statements of trouble in validation.tsv: {share[0]:.0f} % of {len(stated)} reported, {share[1]:.0f} % displeased")
    if len(sys.argv) > 2:
        texts = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
        found = sum(row["complaint"] for row in classify(binary, texts))
        print(f"{sys.argv[2]}: {found} of {len(texts)} reported")


if __name__ == "__main__":
    main()
