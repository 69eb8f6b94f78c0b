#!/usr/bin/env bash
# Installs what building and testing Headroom needs. Safe to repeat; with nothing to do it ends within two seconds.
#
#   scripts/setup.sh         everything `make test` needs
#   scripts/setup.sh rust    only what `make demo` needs: cargo and a C linker
#
# Debian packages come through apt (root, or sudo where it asks no password), Rust through rustup where cargo is missing,
# JavaScript packages through `npm ci` (versions fixed by the lock files), Python packages through pip into .setup/venv
# (versions fixed in scripts/requirements.txt). What can be installed in none of these ways is listed at the end, exit status 1.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly RUST_VERSION=1.95.0
# Directories with a package-lock.json; one that does not exist yet is passed over.
readonly NPM_DIRECTORIES=(
  crates/headroom/tests/browser
  agent
  crates/headroom-wire/tests/oracle
  web
)
# command:package. Debian 12 keeps one version of each for its whole life, so the release is the pin. The suite was last
# run with ngircd 26.1, ffmpeg 5.1.9, nginx 1.22.1, nginx-rtmp 1.2.2, chromium 156, wrk 4.1.0, iproute2 6.1.0,
# prometheus 2.42.0, prometheus-alertmanager 0.25.0, faketime 0.9.10.
readonly MEDIA_COMMANDS=(
  ffmpeg:ffmpeg
  nginx:nginx-light
  haproxy:haproxy
  caddy:caddy
  ip:iproute2
  chromium:chromium
  wrk:wrk
  ngircd:ngircd
  openssl:openssl
  promtool:prometheus
  prometheus-alertmanager:prometheus-alertmanager
  faketime:faketime
  systemd-analyze:systemd
)
# Packages that start a server on a fixed port. The tests start their own, so fresh ones are switched off again.
readonly SERVICES=(nginx haproxy caddy prometheus prometheus-alertmanager)
readonly RTMP_MODULE=/usr/lib/nginx/modules/ngx_rtmp_module.so

missing=()
apt_packages=()
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH:/usr/sbin:/sbin"

main() {
  case "${1:-all}" in
    rust)
      want_c_linker
      install_apt_packages
      install_rust
      ;;
    all)
      want_c_linker
      want_node_and_python
      want_media_tools
      want_speech_tools
      install_apt_packages
      install_rust
      install_npm_packages
      install_pip_packages
      ;;
    *)
      echo "usage: scripts/setup.sh [all|rust]" >&2
      exit 2
      ;;
  esac
  report
}

say() { echo "setup: $*"; }
has() { command -v "$1" >/dev/null 2>&1; }

want_c_linker() {
  has cc || apt_packages+=(build-essential)
  has cargo || has curl || apt_packages+=(curl ca-certificates)
}

want_node_and_python() {
  has node || apt_packages+=(nodejs)
  has npm || apt_packages+=(npm)
  has python3 || apt_packages+=(python3)
}

want_media_tools() {
  local pair
  for pair in "${MEDIA_COMMANDS[@]}"; do
    [[ ${pair%%:*} == chromium && -x ${CHROMIUM:-} ]] && continue
    has "${pair%%:*}" || apt_packages+=("${pair##*:}")
  done
  [[ -e $RTMP_MODULE ]] || apt_packages+=(libnginx-mod-rtmp)
}

# Compiling whisper.cpp, its bindings and libopus (feature `speech`), ALSA's headers, pip to fetch weights, and a sound
# server for the test of the capture path.
want_speech_tools() {
  python3 -m pip --version >/dev/null 2>&1 || apt_packages+=(python3-pip)
  has cmake || apt_packages+=(cmake)
  compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || apt_packages+=(libclang-dev)
  [[ -e /usr/include/alsa/asoundlib.h ]] || apt_packages+=(libasound2-dev)
  has pulseaudio || apt_packages+=(pulseaudio)
  has pactl || apt_packages+=(pulseaudio-utils)
  compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null || apt_packages+=(libasound2-plugins)
}

# The apt lists are refreshed only when a package is missing.
install_apt_packages() {
  ((${#apt_packages[@]})) || return 0
  local as_root=()
  if ! has apt-get; then
    missing+=("${apt_packages[@]/#/Debian package }")
    return
  fi
  if ((EUID != 0)); then
    if has sudo && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      missing+=("${apt_packages[@]/#/Debian package }")
      return
    fi
  fi
  local service fresh=()
  for service in "${SERVICES[@]}"; do
    has "$service" || fresh+=("$service")
  done
  say "installing with apt: ${apt_packages[*]}"
  "${as_root[@]}" apt-get update -qq || say "apt-get update failed, trying with the lists at hand"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${apt_packages[@]}" >/dev/null ||
    missing+=("${apt_packages[@]/#/Debian package }")
  [[ -d /run/systemd/system ]] || return 0
  for service in "${fresh[@]}"; do
    has "$service" || continue
    say "switching off the $service service its package has just started"
    "${as_root[@]}" systemctl disable --now "$service" >/dev/null 2>&1 || true
  done
}

install_rust() {
  if ! has cargo; then
    if ! has curl; then
      missing+=("cargo (install Rust $RUST_VERSION with rustup)")
      return
    fi
    say "installing Rust $RUST_VERSION with rustup"
    if ! curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y -q --profile minimal --component rustfmt,clippy --default-toolchain "$RUST_VERSION"; then
      missing+=("cargo (rustup could not install Rust $RUST_VERSION)")
      return
    fi
  fi
  local component
  for component in fmt clippy; do
    has "cargo-$component" && continue
    say "adding cargo $component"
    rustup component add "${component/#fmt/rustfmt}" >/dev/null 2>&1 || missing+=("cargo $component")
  done
}

install_npm_packages() {
  local directory stamp sum
  for directory in "${NPM_DIRECTORIES[@]}"; do
    [[ -e $directory/package-lock.json ]] || continue
    sum=$(cksum <"$directory/package-lock.json")
    stamp=$directory/node_modules/.setup-lock
    [[ -e $stamp && $(<"$stamp") == "$sum" ]] && continue
    if ! has npm; then
      missing+=("npm, for $directory")
      continue
    fi
    say "npm ci in $directory"
    if (cd "$directory" && npm ci --no-audit --no-fund --loglevel=error); then
      echo "$sum" >"$stamp"
    else
      missing+=("npm packages of $directory")
    fi
  done
}

install_pip_packages() {
  local requirements=scripts/requirements.txt stamp=.setup/venv/.setup-lock sum
  grep -qsE '^[[:alnum:]]' "$requirements" || return 0
  sum=$(cksum <"$requirements")
  [[ -e $stamp && $(<"$stamp") == "$sum" ]] && return
  say "pip install -r $requirements into .setup/venv"
  if python3 -m venv .setup/venv 2>/dev/null || python3 -m venv --without-pip .setup/venv; then
    if { .setup/venv/bin/python -m pip --version >/dev/null 2>&1 &&
      .setup/venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"; } ||
      python3 -m pip --python .setup/venv/bin/python install --quiet --disable-pip-version-check -r "$requirements"; then
      echo "$sum" >"$stamp"
      return
    fi
  fi
  missing+=("Python packages of $requirements (python3 with venv and pip)")
}

report() {
  if ((${#missing[@]})); then
    {
      echo "setup: missing, and it could not be installed from here:"
      printf '  - %s\n' "${missing[@]}"
      echo "setup: run as root or with sudo, or install the list by hand, then repeat."
    } >&2
    exit 1
  fi
  say "ready"
}

main "$@"
