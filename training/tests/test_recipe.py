"""`python -m unittest discover -s training/tests` : the parts of the recipe that need no torch."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from sentiment import commands, corpora, labels, normalise  # noqa: E402


class Normalisation(unittest.TestCase):
    def test_cases_file_is_current(self):
        path = corpora.ROOT / "models" / "normalisation-cases.tsv"
        lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines:
            text, wanted = map(json.loads, line.split("\t"))
            self.assertEqual(normalise.normalise(text), wanted)
        self.assertEqual(len(lines), len(normalise.CASES))

    def test_is_idempotent_on_own_text(self):
        for example in corpora.feedback(corpora.FEEDBACK_TRAIN)[::17]:
            once = normalise.normalise(example.text)
            self.assertEqual(normalise.normalise(once), once, example.text)

    def test_hostile_input_stays_bounded(self):
        for text in ("a" * 10**6, "KEKW " * 10**4, "\u202e\u200b" * 5000, "@" * 3000, "\ud83d" , "\x00" * 50):
            self.assertLessEqual(len(normalise.normalise(text)), 30 * normalise.MAX_CHARACTERS)


class Resolution(unittest.TestCase):
    CASES = (
        ("set 480p", "480p"), ("1080p60 please", "1080p"), ("not 480, 720", "720p"), ("full hd please", "1080p"), ("4k on", "2160p"),
        ("Can I have this in four K?", "2160p"), ("Switch to seven twenty p.", "720p"), ("ten eighty", "1080p"), ("auto please", "auto"),
        ("Ponlo en setecientos veinte.", "720p"), ("७२० कर दो", "720p"), ("حط ٤٨٠", "480p"), ("lower please", None), ("14400 points", None),
    )

    def test_cases(self):
        for text, wanted in self.CASES:
            self.assertEqual(commands.resolution(text), wanted, text)

    def test_every_own_command_resolves_to_its_label(self):
        for example in corpora.feedback(corpora.FEEDBACK_TRAIN):
            intent = labels.command_intent(example.row["command"])
            self.assertEqual(commands.resolve(intent, example.text), example.row["command"], example.text)


class OwnText(unittest.TestCase):
    def test_rows(self):
        rows = corpora.feedback(corpora.FEEDBACK_TRAIN)
        self.assertGreaterEqual(len(rows), 1500)
        self.assertEqual({example.language for example in rows}, set(labels.LANGUAGES))
        seen = {}
        for example in rows:
            self.assertNotIn((example.language, example.text.lower()), seen, example.text)
            seen[(example.language, example.text.lower())] = True
        for name in labels.COMMANDS:
            self.assertGreater(sum(labels.command_intent(example.row["command"]) == name for example in rows), 40, name)

    def test_validation_is_never_trained_on(self):
        train = {(example.language, example.text.lower()) for example in corpora.feedback(corpora.FEEDBACK_TRAIN)}
        held_out = corpora.feedback(corpora.FEEDBACK_VALIDATION)
        self.assertGreaterEqual(len(held_out), 250)
        for example in held_out:
            self.assertNotIn((example.language, example.text.lower()), train, example.text)


if __name__ == "__main__":
    unittest.main()
