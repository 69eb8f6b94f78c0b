"""The whole recipe on a few hundred messages: `training/train.sh --reduced`, stopped once in the middle.

Needs the packages of requirements.txt (5.7 GB, because torch brings its CUDA libraries), which `training/train.sh` installs;
without them it says so and is skipped.
"""

import os
import signal
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("SENTIMENT_CACHE", ROOT / ".setup" / "sentiment"))


@unittest.skipUnless((CACHE / "venv" / "bin" / "python").exists(), f"no packages in {CACHE / 'venv'} (training/train.sh installs them)")
class Reduced(unittest.TestCase):
    def test_from_packages_to_a_model_that_reads(self):
        with subprocess.Popen(["training/train.sh", "--reduced"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as run:
            said = []
            for line in run.stdout:
                said.append(line)
                if line.startswith("reduced: "):
                    os.killpg(run.pid, signal.SIGINT)
            self.assertNotEqual(run.wait(), 0, said)
        self.assertTrue(any("run again to go on" in line for line in said), said)
        whole = subprocess.run(["training/train.sh", "--reduced"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1_800)
        self.assertEqual(whole.returncode, 0, whole.stdout + whole.stderr)
        self.assertRegex(whole.stdout, r"steps, from step [1-9]", "it goes on where it was stopped")
        self.assertTrue(whole.stdout.rstrip().endswith("1 passed, 0 failed"), whole.stdout)


if __name__ == "__main__":
    unittest.main()
