#!/usr/bin/env bash
# From pinned packages to the shipped models: training/train.sh [--reduced | --renew | --taught | --large] [--out DIR]
#
# Restartable: every stage keeps a checkpoint (three minutes apart, and at Ctrl+C) and is skipped once finished. Runs at the
# lowest priority; SENTIMENT_NICE names another. Full run: about 3.6 million English and 1.4 million multilingual tokens, an
# hour on one idle core. --renew: goes on from the shipped files with the present text, a quarter of that. --taught: the same,
# but the English model learns from the large one, which is made first. --large: that one alone, into a folder of its own
# ($SENTIMENT_CACHE/large), 1.2 million tokens at eight times the cost. --reduced: a few hundred messages through every step
# in under two minutes, to test the recipe; its model is not good and is never written to models/.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/training"
export SENTIMENT_CACHE=${SENTIMENT_CACHE:-$root/.setup/sentiment}
export HEADROOM_SHARED=${HEADROOM_SHARED:-$root/../shared}
# Freed memory is kept: giving it back and clearing it anew cost the large model a third of its time.
export MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=68719476736 MALLOC_TOP_PAD_=268435456 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
export TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
reduced=false
renew=false
large=false
taught=false
out=
while [ $# -gt 0 ]; do
  case $1 in
    --reduced) reduced=true ;;
    --renew) renew=true ;;
    --large) large=true ;;
    --taught) taught=true ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd); shift ;;
    *) echo "usage: training/train.sh [--reduced | --renew | --taught | --large] [--out DIR]" >&2; exit 2 ;;
  esac
  shift
done

python=${SENTIMENT_PYTHON:-$SENTIMENT_CACHE/venv/bin/python}
if ! [ -x "$python" ]; then
  python3 -m venv "$SENTIMENT_CACHE/venv"
  "$python" -m pip install --quiet -r requirements.txt
fi
run() { echo "== $*"; nice -n "${SENTIMENT_NICE:-19}" "$python" "$@"; }

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

# all-mpnet-base-v2 on the texts of the English model.
teacher() {
  [ -e "$SENTIMENT_CACHE/base/mpnet/weights.pt" ] || run -m sentiment.base mpnet
  run -m sentiment.fit large
}

if $large; then
  out=${out:-$SENTIMENT_CACHE/large}
  mkdir -p "$out"
  teacher
  run -m sentiment.export large --models "$out" --fp32
  # What else a folder of models holds.
  cp -r "$root"/models/sentiment-multi "$root"/models/language.json "$root"/models/normalisation.json "$out/"
  for file in model-fp32.onnx model.onnx; do
    run evaluate.py --models "$out" --file "$file" --model en --set sst2 --set feedback_dev_en --json "$out/metrics-${file%.onnx}.json"
  done
  exit
fi

out=${out:-$root/models}
run -m sentiment.normalise "$out"
[ -e "$out/language.json" ] || run -m sentiment.language "$out/language.json"
if $renew || $taught; then
  for name in multi en; do
    [ -e "$SENTIMENT_CACHE/stages/$name-shipped/final.pt" ] || run -m sentiment.restore "$name"
  done
  multi=multi-newest en=en-renewed
  if $taught; then
    [ -e "$SENTIMENT_CACHE/base/minilm/weights.pt" ] || run -m sentiment.base minilm
    teacher
    run -m sentiment.teach
    en=en-newest
  fi
  run -m sentiment.fit "$multi"
  run -m sentiment.fit "$en"
else
  for base in minilm e5; do
    [ -e "$SENTIMENT_CACHE/base/$base/weights.pt" ] || run -m sentiment.base "$base"
  done
  for stage in en-public en-mixed en-more en-own en multi-mixed multi-own multi; do
    run -m sentiment.fit "$stage"
  done
  en=en multi=multi
fi
run -m sentiment.export en --stage "$en" --models "$out" --fp32
run -m sentiment.export multi --stage "$multi" --models "$out" --fp32
cp "$out/language.json" "$SENTIMENT_CACHE/export/"
run evaluate.py --models "$SENTIMENT_CACHE/export" --file model-fp32.onnx --json "$out/metrics-fp32.json"
run evaluate.py --models "$out" --json "$out/metrics.json"
for name in en multi; do
  run evaluate.py --models "$out" --model "$name" --set sst2 --set umsab_test_en --set feedback --json "$out/metrics-$name.json"
done
run -m sentiment.card "$out"
