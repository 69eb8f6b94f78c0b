"""Variations of a training text that keep its labels: letter case, missing or repeated end punctuation, one typing slip,
stretched vowels, a mention-free vocative. Words that carry a number are never touched. And `join`: two messages of one
writer in one line, with the labels the guide gives to such a line."""

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


_AND = {"en": ("and", "and", "plus"), "es": ("y",), "pt": ("e",), "fr": ("et",), "de": ("und",), "it": ("e",), "hi": ("aur",), "ar": ("و",)}
_BUT = {"en": ("but", "but", "shame that"), "es": ("pero",), "pt": ("mas",), "fr": ("mais",), "de": ("aber",), "it": ("ma",), "hi": ("lekin",), "ar": ("بس",)}


def join(one, two, rng):
    """Both texts as one message, or None where the guide has no clear label for it. Delivery decides the sign over
    content; two complaints (or two praises) name both aspects; a complaint before a command keeps its aspect and sign."""
    if one.language != two.language or max(len(one.text), len(two.text)) > 60 or "?" in one.text + two.text or "@" in one.text + two.text:
        return None
    if one.command:
        return None
    named = [a or b for a, b in zip(one.aspects, two.aspects)]
    first, second = any(one.aspects), any(two.aspects)
    if two.command:
        if any(two.aspects) or two.sentiment != 1 or one.sentiment != 0 or not first:
            return None
        link, sign = ", ", 0
    elif first and second:
        if one.sentiment != two.sentiment or one.sentiment == 1:
            return None
        link, sign = rng.choice((", ", f" {rng.choice(_AND[one.language])} ", " AND ")) if one.language == "en" else rng.choice((", ", f" {_AND[one.language][0]} ")), one.sentiment
    elif first or second:
        delivery, other = (one, two) if first else (two, one)
        if delivery.sentiment == 1:
            return None
        opposite = {delivery.sentiment, other.sentiment} == {0, 2}
        link, sign = (rng.choice((", ", f" {rng.choice(_BUT[one.language])} ")) if opposite else ", "), delivery.sentiment
    else:
        if one.sentiment != two.sentiment and 1 not in (one.sentiment, two.sentiment):
            return None
        link, sign = ", ", two.sentiment if one.sentiment == 1 else one.sentiment
    head, tail = re.sub(r"[.,!]+$", "", one.text), two.text
    if tail[1:2].islower():
        tail = tail[0].lower() + tail[1:]
    return replace(one, text=head + link + tail, sentiment=sign, aspects=named, command=two.command, row=None)
