"""Which messages are taken for reports of trouble: reports.py BINARY [CHAT_QUESTIONS]

Counts the questions of data/questions.tsv that are, with the right aspect, and the ordinary chat of data/ordinary.tsv that is.
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


def main():
    binary = sys.argv[1]
    questions, right = rows("questions.tsv"), collections.Counter()
    for (language, aspect, _), found in zip(questions, classify(binary, [row[2] for row in questions])):
        right[language] += found["complaint"] and aspect in found["aspects"]
    print(f"questions: {sum(right.values())} of {len(questions)} reported with their aspect {dict(right)}")
    ordinary, wrong = rows("ordinary.tsv"), collections.Counter()
    for (language, _), found in zip(ordinary, classify(binary, [row[1] for row in ordinary])):
        wrong[language] += found["complaint"]
    share = 100 * sum(wrong.values()) / len(ordinary)
    print(f"ordinary chat: {sum(wrong.values())} of {len(ordinary)} taken for reports ({share:.2f} %) {dict(wrong)}")
    if len(sys.argv) > 2:
        texts = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
        found = sum(row["complaint"] for row in classify(binary, texts))
        print(f"{sys.argv[2]}: {found} of {len(texts)} reported")


if __name__ == "__main__":
    main()
