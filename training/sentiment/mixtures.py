"""What each training run reads: mixtures of public and own texts, and the texts it is looked at with."""

from . import corpora
from .augment import augment, join
from .labels import LANGUAGES


def english_public(rng):
    """SST-2 phrases once and sentences twice more; SemEval once, with half of its neutral tweets left out (they are
    45 % of the set and the measure weighs the classes equally)."""
    tweets = [example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55]
    mixture = corpora.sst2("train-phrases") + 2 * corpora.sst2("train") + corpora.as_ordinary(tweets)
    return mixture


def _own(rng, passes, languages):
    rows = [example for example in corpora.feedback(corpora.FEEDBACK_TRAIN) if example.language in languages]
    return [_vary(example, rows, rng) if turn else example for turn in range(passes) for example in rows]


def _vary(example, rows, rng):
    """One variation; of every fifth message one that goes on with another."""
    if rng.random() < 0.2:
        for _ in range(4):
            joined = join(example, rng.choice(rows), rng)
            if joined:
                return augment(joined, rng)
    return augment(example, rng)


def english_mixed(rng):
    """Own text in English five times (other languages once: the router errs now and then), public text to keep and
    finish what the first stage learnt: SST-2 sentences twice, some longer phrases, tweets."""
    tweets = [example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55]
    phrases = [example for example in corpora.sst2("train-phrases") if example.text.count(" ") >= 5]
    return (_own(rng, 5, {"en"}) + _own(rng, 1, set(LANGUAGES) - {"en"}) + 2 * corpora.sst2("train")
            + rng.sample(phrases, 6000) + rng.sample(corpora.as_ordinary(tweets), 8000))


def english_more(rng):
    """Mostly public text once more, with own text beside it so that nothing is forgotten."""
    tweets = [example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55]
    return (_own(rng, 2, {"en"}) + 2 * corpora.sst2("train") + rng.sample(corpora.sst2("train-phrases"), 22000)
            + rng.sample(corpora.as_ordinary(tweets), 9000))


def multilingual_mixed(rng):
    """Own text in the other languages six times and in English twice, UMSAB of eight languages once and a half, some
    SST-2 sentences."""
    out = _own(rng, 6, set(LANGUAGES) - {"en"}) + _own(rng, 2, {"en"}) + rng.sample(corpora.sst2("train"), 2000)
    for language in LANGUAGES:
        rows = corpora.as_ordinary(corpora.umsab(language, "train"))
        out += rows + rng.sample(rows, len(rows) // 2)
    return out


def english_own(rng):
    """Own text and public text in equal parts."""
    tweets = corpora.as_ordinary([example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55])
    phrases = [example for example in corpora.sst2("train-phrases") if example.text.count(" ") >= 5]
    return _own(rng, 3, {"en"}) + corpora.sst2("train") + rng.sample(phrases, 6000) + rng.sample(tweets, 4000)


def english_final(rng):
    """The word embeddings learn too; half SST-2, a quarter own text, over which the learning rate falls to zero."""
    tweets = corpora.as_ordinary([example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55])
    return (_own(rng, 2, {"en"}) + 2 * corpora.sst2("train") + rng.sample(corpora.sst2("train-phrases"), 8000)
            + rng.sample(tweets, 2500))


def multilingual_own(rng):
    """Own text in the other languages and UMSAB."""
    out = _own(rng, 6, set(LANGUAGES) - {"en"}) + _own(rng, 1, {"en"})
    for language in LANGUAGES:
        out += rng.sample(corpora.as_ordinary(corpora.umsab(language, "train")), 1200)
    return out


def multilingual_final(rng):
    """The same in other shares; the learning rate falls to zero."""
    out = _own(rng, 3, set(LANGUAGES) - {"en"}) + rng.sample(_own(rng, 1, {"en"}), 1200)
    for language in LANGUAGES:
        rows = corpora.as_ordinary(corpora.umsab(language, "train"))
        out += rng.sample(rows, 400 if language in ("en", "hi") else 1300)
    return out


def multilingual_renewed(rng):
    """Starts from the shipped files: own text in the other languages four times, in English once, UMSAB with more of its
    two weakest languages."""
    out = _own(rng, 4, set(LANGUAGES) - {"en"}) + _own(rng, 1, {"en"})
    for language in LANGUAGES:
        rows = corpora.as_ordinary(corpora.umsab(language, "train"))
        out += rng.sample(rows, {"en": 500, "hi": 1600, "ar": 1800}.get(language, 1000))
    return out


NEWEST = 8886
"""Number of the first own message of those written last, about kinds of message that were read wrongly."""


def _newest(rng, passes, languages):
    rows = [example for example in corpora.feedback(corpora.FEEDBACK_TRAIN) if example.language in languages]
    rows = [example for example in rows if int(example.row["id"][1:]) >= NEWEST]
    return [_vary(example, rows, rng) for _ in range(passes) for example in rows]


def multilingual_newest(rng):
    """Own text in the other languages twice, the newest of it six times more; and public text with the scores that the shipped
    model gives it, not with labels: a third pass over those made the public sets two points worse."""
    out = _own(rng, 2, set(LANGUAGES) - {"en"})
    out += _newest(rng, 6, set(LANGUAGES) - {"en"})
    # Most of the language that has least to lose before its goal is missed.
    counts = {language: {"ar": 1600, "en": 300}.get(language, 700) for language in LANGUAGES}
    kept = [example for language in LANGUAGES
            for example in rng.sample(corpora.as_ordinary(corpora.umsab(language, "train")), counts[language])]
    base = cache() / "base" / "multi-shipped"
    model = network.from_base(base)
    model.load_state_dict(torch.load(cache() / "stages" / "multi-shipped" / "final.pt"))
    for example, scores in zip(kept, predict(model, network.tokenizer(base), kept)[0]):
        example.sentiment, example.kept = None, scores.tolist()
    return out + kept


def english_renewed(rng):
    """Starts from the shipped files: SST-2 sentences three times and every phrase once; own text and tweets beside it so that
    nothing is forgotten."""
    tweets = corpora.as_ordinary([example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55])
    return 3 * corpora.sst2("train") + corpora.sst2("train-phrases") + _own(rng, 3, {"en"}) + rng.sample(tweets, 9000)


def _taught():
    """SST-2 text and what was made from it, with the teacher's scores (`sentiment.teach`) and, where there is one, the label."""
    taught = torch.load(cache() / "teacher" / "sst2.pt")
    known = {example.text: example.sentiment for split in ("train-phrases", "train") for example in corpora.sst2(split)}
    return [corpora.Example(text, known.get(text), text in known, source="sst2", soft=soft)
            for text, soft in zip(taught["texts"], taught["scores"].tolist())]


def english_taught(rng):
    """The teacher's scores, labels of the sentences beside them; own text and tweets so that nothing is forgotten."""
    taught = _taught()
    sentences = {example.text for example in corpora.sst2("train")}
    tweets = corpora.as_ordinary([example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55])
    return 3 * taught + [example for example in taught if example.text in sentences] + _own(rng, 3, {"en"}) + rng.sample(tweets, 7000)


def english_newest(rng):
    """Starts from the shipped file: the newest own text six times, all of it once and a half; what the teacher scored last, and as much
    public text as keeps the rest where it was."""
    taught = _taught()
    sentences = {example.text for example in corpora.sst2("train")}
    tweets = corpora.as_ordinary([example for example in corpora.semeval2017("train") if example.sentiment != 1 or rng.random() < 0.55])
    own = _own(rng, 2, {"en"})
    return (taught[-12_000:] + rng.sample(taught[:-12_000], 6000) + [example for example in taught if example.text in sentences]
            + rng.sample(own, 3 * len(own) // 4) + _newest(rng, 6, {"en"}) + rng.sample(tweets, 3000))


def large_mixture(rng):
    """SST-2 sentences twice and the longer phrases once; own English text twice and some tweets, so that the large model knows
    neutral, aspects and commands too."""
    tweets = corpora.as_ordinary(corpora.semeval2017("train"))
    phrases = [example for example in corpora.sst2("train-phrases") if example.text.count(" ") >= 3]
    return 2 * corpora.sst2("train") + phrases + _own(rng, 2, {"en"}) + rng.sample(tweets, 2000)


def sst2_dev():
    return {"sst2_dev": corpora.sst2("dev")}


def english_validation():
    return sst2_dev() | {"semeval_val": corpora.semeval2017("val"), "feedback_dev_en": _dev({"en"}), "own_validation_en": _held_out({"en"})}


def multilingual_validation():
    sets = {f"umsab_val_{language}": corpora.umsab(language, "val") for language in LANGUAGES}
    return sets | sst2_dev() | {"feedback_dev_en": _dev({"en"}), "feedback_dev_other": _dev(set(LANGUAGES) - {"en"}),
                               "own_validation_other": _held_out(set(LANGUAGES) - {"en"})}


def _dev(languages):
    return [example for example in corpora.feedback_dev() if example.language in languages]


def _held_out(languages):
    return [example for example in corpora.feedback(corpora.FEEDBACK_VALIDATION) if example.language in languages]


def reduced(rng):
    """A few hundred texts: proves that the recipe runs, not that the model is good."""
    rows = corpora.feedback(corpora.FEEDBACK_TRAIN)
    return 3 * rng.sample([example for example in rows if example.language == "en"], 600)
