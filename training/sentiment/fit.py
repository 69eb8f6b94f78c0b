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

import torch
from torch.nn import functional

from . import metrics, network
from .base import cache
from .stages import STAGES

CHECKPOINT_EVERY_S = 180


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
