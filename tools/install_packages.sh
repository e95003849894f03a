#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install_packages.sh SECTION... : installs the packages that the sections of packages.txt list and that this
# machine lacks. Silent and quick if nothing is missing, so make can call it every time.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
list=$root/packages.txt
[[ $# -gt 0 ]] || { echo "usage: $0 SECTION...   (sections of $list)" >&2; exit 2; }

packages_of() {
  awk -v section="[$1]" '
    /^[[:space:]]*(#|$)/ { next }
    /^\[/ { inside = ($1 == section); found = found || inside; next }
    inside { print $1 }
    END { exit !found }' "$list" || { echo "$0: $list has no section [$1]" >&2; exit 2; }
}

wanted=()
for section in "$@"; do
  names=$(packages_of "$section")
  mapfile -t -O "${#wanted[@]}" wanted <<<"$names"
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  # There is no package manager here; the build still works if the tools were installed in another way.
  lacking=()
  for tool in cmake ninja g++; do command -v "$tool" >/dev/null || lacking+=("$tool"); done
  if [[ ${#lacking[@]} -gt 0 ]]; then
    echo "laconic: not a Debian system, and no ${lacking[*]} on PATH." >&2
    echo "  Please install what these Debian 12 packages hold: ${wanted[*]}" >&2
    exit 1
  fi
  echo "laconic: not a Debian system: trusting it to hold what these packages do: ${wanted[*]}" >&2
  exit 0
fi

# dpkg-query fails if it does not know a name; the name is then absent from its output.
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
  awk '$2 == "installed" { print $1 }') || true
missing=()
for package in "${wanted[@]}"; do
  [[ $'\n'$installed$'\n' == *$'\n'"$package"$'\n'* || " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "laconic: missing packages, and neither root nor sudo to install them. As root, please run" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "laconic: installing what packages.txt lists under [$*] and this machine lacks:"
printf '  %s\n' "${missing[@]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A mirror that does not answer matters only if a package then cannot be installed.
if ! { apt update || true; apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "laconic: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
