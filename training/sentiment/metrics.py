"""Measures, computed from labels and scores alone (numpy, no other library)."""

import numpy as np

from .labels import ASPECTS, COMMANDS, SENTIMENTS


def per_class(truth, guess, classes):
    """(recall, precision, f1) arrays, one value a class."""
    recall, precision, f1 = [], [], []
    for label in range(classes):
        hit = np.sum((truth == label) & (guess == label))
        r = hit / max(1, np.sum(truth == label))
        p = hit / max(1, np.sum(guess == label))
        recall.append(r)
        precision.append(p)
        f1.append(2 * p * r / (p + r) if p + r else 0.0)
    return np.array(recall), np.array(precision), np.array(f1)


def measure(examples, scores):
    """The measures that fit the labels of a set."""
    sentiment, aspects, command = scores
    if examples[0].binary:
        guess = np.where(sentiment[:, 2] > sentiment[:, 0], 2, 0)
        truth = np.array([example.sentiment for example in examples])
        return {"accuracy": float(np.mean(guess == truth))}
    truth = np.array([example.sentiment for example in examples])
    guess = sentiment.argmax(1)
    recall, _, f1 = per_class(truth, guess, len(SENTIMENTS))
    out = {"accuracy": float(np.mean(truth == guess)), "macro_recall": float(recall.mean()), "macro_f1": float(f1.mean())}
    if examples[0].source == "feedback":
        out |= feedback(examples, sentiment, aspects, command)
    return out


def feedback(examples, sentiment, aspects, command):
    """Stream feedback: polarity on delivery messages (those whose label names an aspect; three classes, and among the
    labelled negative/positive ones the sign alone), aspects, commands."""
    from .commands import resolve

    truth = np.array([example.sentiment for example in examples])
    guess = sentiment.argmax(1)
    wanted = np.array([example.aspects for example in examples]) > 0.5
    found = aspects > 0
    delivery = wanted.any(1)
    polar = delivery & (truth != 1)
    sign = np.where(sentiment[:, 2] > sentiment[:, 0], 2, 0)
    hit = np.sum(wanted & found)
    labels = np.array([example.row["command"] for example in examples])
    guesses = np.array([resolve(COMMANDS[row.argmax()], example.text) for row, example in zip(command, examples)])
    asked = labels != "none"
    none = ~asked
    return {
        "delivery_three_class": float(np.mean((truth == guess)[delivery])) if delivery.any() else float("nan"),
        "delivery_polar_three_class": float(np.mean((truth == guess)[polar])) if polar.any() else float("nan"),
        "delivery_polarity": float(np.mean((truth == sign)[polar])) if polar.any() else float("nan"),
        "aspect_micro_f1": float(2 * hit / max(1, wanted.sum() + found.sum())),
        "aspect_exact": float(np.mean((wanted == found).all(1))),
        "command_exact_all": float(np.mean(labels == guesses)),
        "command_exact_asked": float(np.mean((labels == guesses)[asked])) if asked.any() else float("nan"),
        "false_commands": float(np.mean(guesses[none] != "none")) if none.any() else float("nan"),
        "errors": [f"{example.row['id']}\t{example.text}\t{SENTIMENTS[t]}/{','.join(a for a, w in zip(ASPECTS, wa) if w) or 'none'}/{c}"
                   f"\t-> {SENTIMENTS[g]}/{','.join(a for a, w in zip(ASPECTS, fa) if w) or 'none'}/{k}"
                   for example, t, g, wa, fa, c, k in zip(examples, truth, guess, wanted, found, labels, guesses)
                   if t != g or (wa != fa).any() or c != k],
    }
