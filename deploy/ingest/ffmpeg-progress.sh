#!/bin/sh
# Reports an ffmpeg that publishes: reads `-progress pipe:1` and posts a sample a second to Headroom's /v1/samples, so that
# alerts see its bit rate, frame rate, dropped frames and drift (docs/operating.md). crates/headroom/tests runs this very file.
#
#   ffmpeg -re -i … -nostats -progress pipe:1 -f flv rtmp://… | ffmpeg-progress.sh http://127.0.0.1:8080 STREAM [h|d]
#
# STREAM is the name that players give it (CMCD cid), h or d whether they play it as HLS (the default) or as DASH: alerts then say
# its name, and stand beside what its viewers see.
# Needs curl. HEADROOM_TOKEN is sent where the listener asks for tokens. What cannot be sent is lost: the next sample says more.
set -eu
url=${1:?address of the public listener} stream=${2:?name of the stream} format=${3:-h}
case $stream in
*[!A-Za-z0-9._/-]*) echo "ffmpeg-progress.sh: $stream: letters, digits and ._/- only" >&2 && exit 2 ;;
esac
case $format in
h | d) ;;
*) echo "ffmpeg-progress.sh: $format: h (HLS) or d (DASH)" >&2 && exit 2 ;;
esac

fields=
# add NAME VALUE, where the value is a number.
add() {
  case $2 in '' | *[!0-9.]* | .* | *.) return ;; esac
  fields="${fields:+$fields,}\"$1\":$2"
}

blocks=0 time_us=0 bytes=0 fps='' dropped='' last_us=0 last_bytes=0
while IFS='=' read -r key value; do
  value=${value#"${value%%[! ]*}"}
  case $key=$value in
  out_time_us=[0-9]*) time_us=$value ;;
  total_size=[0-9]*) bytes=$value ;;
  fps=*) fps=$value ;;
  drop_frames=*) dropped=$value ;;
  progress=*)
    blocks=$((blocks + 1))
    # Blocks come twice a second; one of two is enough.
    [ $((blocks % 2)) -eq 0 ] || continue
    fields=
    add media_time_ms $((time_us / 1000))
    add frame_rate "$fps"
    add dropped_frames "$dropped"
    [ "$time_us" -le "$last_us" ] || add ingest_bitrate_kbps $(((bytes - last_bytes) * 8000 / (time_us - last_us)))
    last_us=$time_us last_bytes=$bytes
    printf '{"session":"publisher:%s","stream":"%s","format":"%s","encoder":{%s}}\n' "$stream" "$stream" "$format" "$fields" |
      curl -s -o /dev/null -m 2 ${HEADROOM_TOKEN:+-H "Authorization: Bearer $HEADROOM_TOKEN"} \
        -H 'Content-Type: application/x-ndjson' --data-binary @- "$url/v1/samples" || :
    ;;
  esac
done
