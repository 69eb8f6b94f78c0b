"""Variations of a training text that keep its labels: letter case, missing or repeated end punctuation, one typing slip,
stretched vowels, a mention-free vocative. Words that carry a number are never touched."""

import re
from dataclasses import replace

_FRONT = {"en": ("yo", "bro", "chat", "guys", "uh", "ok so", "hey", "man", "ngl", "hm"), "es": ("oye", "bro", "chat", "che"),
          "pt": ("mano", "galera", "po", "chat"), "fr": ("bon", "chat", "frr", "les gars"), "de": ("leute", "ey", "chat", "alter"),
          "it": ("raga", "oh", "chat"), "hi": ("bhai", "yaar", "arey"), "ar": ("يا شباب", "اخوان")}


def _slip(word, rng):
    if len(word) < 5 or not word.isalpha() or not word.isascii():
        return word
    at = rng.randrange(1, len(word) - 2)
    kind = rng.random()
    if kind < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind < 0.7:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def augment(example, rng):
    """One variation of the example (or the text itself)."""
    text = example.text
    if rng.random() < 0.2:
        text = text.lower()
    elif rng.random() < 0.06:
        text = text.upper()
    elif rng.random() < 0.06:
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.25:
        text = re.sub(r"[.!]+$", "", text)
    elif rng.random() < 0.1 and text[-1:].isalpha():
        text += rng.choice(("!", "!!", ".", "..", "..."))
    if rng.random() < 0.15:
        words = text.split(" ")
        at = rng.randrange(len(words))
        words[at] = _slip(words[at], rng)
        text = " ".join(words)
    if rng.random() < 0.08:
        text = rng.choice(_FRONT.get(example.language, ("chat",))) + " " + text
    if rng.random() < 0.05:
        text = re.sub(r"([aeou])(\w?)$", lambda found: found.group(1) * 4 + found.group(2), text)
    return replace(example, text=text)
