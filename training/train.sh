#!/usr/bin/env bash
# From pinned packages to the shipped models: training/train.sh [--reduced | --renew] [--out DIR]
#
# Restartable: every stage keeps a checkpoint (two minutes apart, and at Ctrl+C) and is skipped once finished. Runs at the
# lowest priority. Full run: about 3.6 million English and 1.4 million multilingual tokens, an hour on one idle core.
# --renew: goes on from the shipped files with the present text, a quarter of that. --reduced: a few hundred messages
# through every step in under two minutes, to test the recipe; its model is not good and is never written to models/.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/training"
export SENTIMENT_CACHE=${SENTIMENT_CACHE:-$root/.setup/sentiment}
export HEADROOM_SHARED=${HEADROOM_SHARED:-$root/../shared}
export TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
reduced=false
renew=false
out=$root/models
while [ $# -gt 0 ]; do
  case $1 in
    --reduced) reduced=true ;;
    --renew) renew=true ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd); shift ;;
    *) echo "usage: training/train.sh [--reduced | --renew] [--out DIR]" >&2; exit 2 ;;
  esac
  shift
done

python=${SENTIMENT_PYTHON:-$SENTIMENT_CACHE/venv/bin/python}
if ! [ -x "$python" ]; then
  python3 -m venv "$SENTIMENT_CACHE/venv"
  "$python" -m pip install --quiet -r requirements.txt
fi
run() { echo "== $*"; nice -n 19 "$python" "$@"; }

if $reduced; then
  out=$SENTIMENT_CACHE/reduced
  mkdir -p "$out"
  [ -e "$SENTIMENT_CACHE/base/minilm/weights.pt" ] || run -m sentiment.base minilm
  # A finished one is done again, one that was stopped goes on.
  [ ! -e "$SENTIMENT_CACHE/stages/reduced/final.pt" ] || rm -r "$SENTIMENT_CACHE/stages/reduced"
  run -m sentiment.fit reduced
  run -m sentiment.export reduced --models "$out"
  run -m sentiment.smoke "$out/sentiment-reduced"
  exit
fi

if ! [ -d "$HEADROOM_SHARED/data/text" ]; then
  echo "the public training texts are not there: set HEADROOM_SHARED (see training/README.md)" >&2
  exit 1
fi
run check_overlap.py
run -m sentiment.normalise "$out"
[ -e "$out/language.json" ] || run -m sentiment.language "$out/language.json"
if $renew; then
  for name in multi en; do
    [ -e "$SENTIMENT_CACHE/stages/$name-shipped/final.pt" ] || run -m sentiment.restore "$name"
    run -m sentiment.fit "$name-renewed"
  done
  end=-renewed
else
  for base in minilm e5; do
    [ -e "$SENTIMENT_CACHE/base/$base/weights.pt" ] || run -m sentiment.base "$base"
  done
  for stage in en-public en-mixed en-more en-own en multi-mixed multi-own multi; do
    run -m sentiment.fit "$stage"
  done
  end=
fi
for name in en multi; do
  run -m sentiment.export "$name" --stage "$name$end" --models "$out" --fp32
done
cp "$out/language.json" "$SENTIMENT_CACHE/export/"
run evaluate.py --models "$SENTIMENT_CACHE/export" --file model-fp32.onnx --json "$out/metrics-fp32.json"
run evaluate.py --models "$out" --json "$out/metrics.json"
for name in en multi; do
  run evaluate.py --models "$out" --model "$name" --set sst2 --set umsab_test_en --set feedback --json "$out/metrics-$name.json"
done
run -m sentiment.card "$out"
