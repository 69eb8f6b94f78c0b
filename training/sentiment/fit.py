"""Training with checkpoints: `python -m sentiment.fit STAGE [--minutes N] [--threads N]`.

A stage names a base (or an earlier stage), a mixture of texts and a schedule. The order of batches follows from the seed
alone, so a run that was stopped goes on from its last checkpoint and sees the same batches.
"""

import argparse
import json
import random
import signal
import sys
import time
from dataclasses import dataclass, field

import torch
from torch.nn import functional

from . import corpora, metrics, network
from .augment import augment, join
from .base import cache
from .labels import COMMANDS, LANGUAGES

CHECKPOINT_EVERY_S = 180


@dataclass
class Stage:
    """One training run."""

    base: str
    start: str | None
    """Stage whose weights it starts from; None = the base encoder."""
    mixture: callable
    """rng -> list of examples for the whole run (repetitions included)."""
    rate: float
    stop_at: float = 1.0
    """Share of the planned steps that is run; the next stage brings the learning rate down."""
    before: float = 0.0
    """Share of the weights it started from in what is kept: old and new are good at other things, and on the validation sets
    a mean of both was better than either."""
    smooth: bool = False
    """Whether a running mean of the weights over the last quarter of the steps is kept instead of the last ones."""
    embeddings: bool = False
    """Whether the word embeddings learn too."""
    frozen_layers: int = 0
    """Lowest encoder layers left as they are: a third of the training time at little loss."""
    max_tokens: int = network.MAX_TOKENS
    batch_tokens: int = 1100
    seed: int = 1
    validation: dict = field(default_factory=dict)


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


STAGES = {
    "en-public": Stage("minilm", None, english_public, 1.5e-4, stop_at=0.4, validation=english_validation),
    "en-mixed": Stage("minilm", "en-public", english_mixed, 1.4e-4, stop_at=0.8, validation=english_validation),
    "en-more": Stage("minilm", "en-mixed", english_more, 1.2e-4, stop_at=0.85, validation=english_validation),
    "en-own": Stage("minilm", "en-more", english_own, 1e-4, validation=english_validation),
    "en": Stage("minilm", "en-own", english_final, 1.2e-4, before=0.5, embeddings=True, validation=english_validation),
    "multi-mixed": Stage("e5", None, multilingual_mixed, 1.5e-4, stop_at=0.5, frozen_layers=4, max_tokens=48, validation=multilingual_validation),
    "multi-own": Stage("e5", "multi-mixed", multilingual_own, 1.5e-4, frozen_layers=4, max_tokens=48, validation=multilingual_validation),
    "multi": Stage("e5", "multi-own", multilingual_final, 1.2e-4, frozen_layers=4, max_tokens=48, validation=multilingual_validation),
    "multi-renewed": Stage("multi-shipped", "multi-shipped", multilingual_renewed, 1.2e-4, smooth=True, before=0.25, frozen_layers=4, max_tokens=48, validation=multilingual_validation),
    "multi-newest": Stage("multi-shipped", "multi-shipped", multilingual_newest, 1e-4, before=0.25, frozen_layers=4, max_tokens=48, validation=multilingual_validation),
    "en-renewed": Stage("en-shipped", "en-shipped", english_renewed, 1.2e-4, stop_at=0.9, smooth=True, before=0.5, embeddings=True, validation=english_validation),
    "en-taught": Stage("en-shipped", "en-shipped", english_taught, 1.5e-4, before=0.2, embeddings=True, validation=english_validation),
    "en-newest": Stage("en-shipped", "en-shipped", english_newest, 1e-4, before=0.5, embeddings=True, validation=english_validation),
    "large": Stage("mpnet", None, large_mixture, 5e-5, frozen_layers=2, batch_tokens=1600, validation=english_validation),
    "reduced": Stage("minilm", None, reduced, 3e-4, batch_tokens=250, validation=dict),
}


def batches(examples, ids, rng, tokens):
    """Batches of similar length and at most `tokens` tokens, in random order."""
    order = list(range(len(examples)))
    rng.shuffle(order)
    out = []
    for start in range(0, len(order), 1500):
        window = sorted(order[start : start + 1500], key=lambda index: len(ids[index]))
        made, batch = [], []
        for index in window:
            if batch and (len(batch) + 1) * len(ids[index]) > tokens or len(batch) == max(64, tokens // 17):
                made.append(batch)
                batch = []
            batch.append(index)
        made.append(batch)
        rng.shuffle(made)
        out += made
    return out


def loss_of(outputs, examples):
    """Cross entropy per head over the examples labelled for it. SST-2 knows no neutral: there only the other two compete. Where a
    teacher was asked, the difference of those two is drawn to the teacher's."""
    sentiment, aspects, command = (output.float() for output in outputs)
    total = sentiment.new_zeros(())
    three = [row for row, example in enumerate(examples) if example.sentiment is not None and not example.binary]
    two = [row for row, example in enumerate(examples) if example.binary]
    if three:
        target = torch.tensor([examples[row].sentiment for row in three])
        total = total + functional.cross_entropy(sentiment[three], target, label_smoothing=0.05) * len(three) / len(examples)
    if two:
        target = torch.tensor([examples[row].sentiment // 2 for row in two])
        pair = sentiment[two][:, [0, 2]]
        each = functional.cross_entropy(pair, target, label_smoothing=0.05, reduction="none")
        # Beside a teacher the label counts for little: the teacher has seen it.
        weight = torch.tensor([1.0 if examples[row].soft is None else 0.2 for row in two])
        total = total + (each * weight).sum() / len(examples)
    taught = [row for row, example in enumerate(examples) if example.soft is not None]
    if taught:
        target = torch.tensor([examples[row].soft for row in taught])
        each = functional.mse_loss(sentiment[taught][:, 2] - sentiment[taught][:, 0], target, reduction="none")
        total = total + 0.2 * each.sum() / len(examples)
    rows = [row for row, example in enumerate(examples) if example.kept is not None]
    if rows:
        target = torch.tensor([examples[row].kept for row in rows]).softmax(1)
        total = total + functional.cross_entropy(sentiment[rows], target) * len(rows) / len(examples)
    rows = [row for row, example in enumerate(examples) if example.aspects is not None]
    if rows:
        weight = torch.tensor([1.0 if examples[row].source == "feedback" else 0.2 for row in rows])
        target = torch.tensor([examples[row].aspects for row in rows])
        each = functional.binary_cross_entropy_with_logits(aspects[rows], target, reduction="none").sum(1)
        total = total + (each * weight).sum() / len(examples)
    rows = [row for row, example in enumerate(examples) if example.command is not None]
    if rows:
        weight = torch.tensor([1.0 if examples[row].source == "feedback" else 0.2 for row in rows])
        target = torch.tensor([examples[row].command for row in rows])
        each = functional.cross_entropy(command[rows], target, reduction="none")
        total = total + (each * weight).sum() / len(examples)
    return total


def predict(model, tokenizer, examples):
    """Scores of every example, in order: three arrays."""
    ids = network.encode(tokenizer, [example.text for example in examples])
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    model.eval()
    parts = []
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), 48):
            parts.append([output.float() for output in model(*network.pad([ids[i] for i in order[start : start + 48]]))])
    model.train()
    back = torch.argsort(torch.tensor(order))
    return [torch.cat([part[head] for part in parts])[back].numpy() for head in range(3)]


def validate(model, tokenizer, sets):
    """Prints the validation measures; used for reading only, no step is chosen by them."""
    report = {name: metrics.measure(examples, predict(model, tokenizer, examples)) for name, examples in sets.items()}
    for name, values in report.items():
        print(f"  {name}: " + ", ".join(f"{key} {value:.4f}" for key, value in values.items() if not isinstance(value, list)), flush=True)
    return report


class Interrupted:
    """Whether Ctrl+C or a termination was asked for; the run then ends after its present step, with a checkpoint."""

    def __init__(self):
        self.now = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, _number, _frame):
        self.now = True


def schedule(step, steps):
    """Linear warm-up over 4 % of the steps (at least 20), then linear to zero."""
    warm = max(20, steps // 25)
    return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))


def run(name, minutes):
    """Trains a stage to its end or until `minutes` have passed; returns True when finished."""
    stage = STAGES[name]
    folder = cache() / "stages" / name
    folder.mkdir(parents=True, exist_ok=True)
    final, state = folder / "final.pt", folder / "checkpoint.pt"
    if final.exists():
        print(f"{name}: already finished")
        return True
    base = cache() / "base" / stage.base
    tokenizer = network.tokenizer(base)
    rng = random.Random(stage.seed)
    torch.manual_seed(stage.seed)
    examples = stage.mixture(rng)
    ids = network.encode(tokenizer, [example.text for example in examples])
    ids = [one if len(one) <= stage.max_tokens else one[: stage.max_tokens - 1] + one[-1:] for one in ids]
    plan = batches(examples, ids, rng, stage.batch_tokens)
    last = int(len(plan) * stage.stop_at)
    model = network.from_base(base)
    if stage.start:
        model.load_state_dict(torch.load(cache() / "stages" / stage.start / "final.pt"))
    model.encoder.embeddings.word_embeddings.weight.requires_grad_(stage.embeddings)
    for layer in model.encoder.encoder.layer[: stage.frozen_layers]:
        layer.requires_grad_(False)
    head = [parameter for key, parameter in model.named_parameters() if key.startswith("heads")]
    body = [parameter for key, parameter in model.named_parameters() if not key.startswith("heads") and parameter.requires_grad]
    optimiser = torch.optim.AdamW([{"params": body, "lr": stage.rate}, {"params": head, "lr": 1e-3 if not stage.start else 5e-4}],
                                  weight_decay=0.01, fused=True)
    scale = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, len(plan)))
    step, spent, saved = 0, 0.0, {}
    if state.exists():
        saved = torch.load(state)
        if saved["steps"] == len(plan):
            model.load_state_dict(saved["model"])
            optimiser.load_state_dict(saved["optimiser"])
            scale.load_state_dict(saved["scale"])
            step, spent = saved["step"], saved["cpu_s"]
        else:
            print(f"{name}: the mixture changed, starting over", flush=True)
            saved = {}
    interrupted = Interrupted()
    tokens = sum(len(one) for one in ids)
    print(f"{name}: {len(examples)} examples, {tokens} tokens, {last} of {len(plan)} steps, from step {step}", flush=True)
    model.train()
    started = last_save = last_print = time.monotonic()
    cpu = time.process_time()
    loss_mean, mean, counted = None, saved.get("mean"), saved.get("counted", 0)
    while step < last:
        chosen = [examples[index] for index in plan[step]]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = model(*network.pad([ids[index] for index in plan[step]]))
        loss = loss_of(outputs, chosen)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(body + head, 1.0)
        optimiser.step()
        scale.step()
        step += 1
        loss_mean = loss.item() if loss_mean is None else 0.98 * loss_mean + 0.02 * loss.item()
        if stage.smooth and step > 0.75 * last and step % 5 == 0:
            counted += 1
            now_is = {key: value.detach().clone() for key, value in model.state_dict().items() if value.is_floating_point()}
            mean = now_is if mean is None else {key: value + (now_is[key] - value) / counted for key, value in mean.items()}
        now = time.monotonic()
        if now - last_print > 20 or step == last:
            print(f"{name} {step}/{last} loss {loss_mean:.4f} cpu {spent + time.process_time() - cpu:.0f} s wall {now - started:.0f} s", flush=True)
            last_print = now
        stop = interrupted.now or minutes and now - started > minutes * 60
        if now - last_save > CHECKPOINT_EVERY_S or stop:
            torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "scale": scale.state_dict(), "step": step,
                        "steps": len(plan), "cpu_s": spent + time.process_time() - cpu, "mean": mean, "counted": counted}, state.with_suffix(".part"))
            state.with_suffix(".part").replace(state)
            last_save = now
        if stop:
            print(f"{name}: stopped at step {step}, run again to go on")
            return False
    if mean:
        model.load_state_dict(mean, strict=False)
    if stage.before:
        start = torch.load(cache() / "stages" / stage.start / "final.pt")
        model.load_state_dict({key: torch.lerp(value, start[key], stage.before) if value.is_floating_point() else value
                               for key, value in model.state_dict().items()})
    torch.save(model.state_dict(), final)
    state.unlink(missing_ok=True)
    # The next stage brings the learning rate down, or a mean of the last weights does.
    if stage.stop_at < 1 and not stage.smooth:
        return True
    report = validate(model, tokenizer, stage.validation())
    (folder / "report.json").write_text(json.dumps({"cpu_s": spent + time.process_time() - cpu, "steps": last, "planned_steps": len(plan), "planned_tokens": tokens,
                                                    "examples": len(examples), "validation": report}, indent=1))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--minutes", type=float, default=0, help="stop after this time with a checkpoint; 0 = run to the end")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sys.exit(0 if run(arguments.stage, arguments.minutes) else 75)


if __name__ == "__main__":
    main()
