#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch_charts.sh : Apache ECharts, with which pages of `laconic report` draw, into charts/, where CMake takes it into the
# program. Nothing else needs it. Silent and quick where it is there already; where it cannot be had (12 MB, by npm), one
# line and exit code 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

package=echarts-6.1.0
# As npm has it, sha512-q0yaFPgg..., in hexadecimal.
sha512=ab4c9a14f8200bd15476c587e1b95abd15859b176b22875b92828d02326e74023a080f6034fc47b55d917193447a9655964e32bc16243a46e4e87215a48c8764
[[ $(cat charts/from 2>/dev/null) != "$package" ]] || exit 0

fail() {
  echo "laconic: no charting library for laconic report: $1; all else works without" >&2
  exit 1
}

command -v npm >/dev/null || fail "npm is not on this machine (apt-get install npm), to fetch $package"
fresh=$(mktemp -d charts.XXXXXX)
trap 'rm -rf "$fresh"' EXIT
npm pack "${package/-/@}" --pack-destination "$fresh" --silent --fetch-retries=1 --fetch-timeout=60000 >"$fresh/log" 2>&1 ||
  fail "npm cannot fetch $package"
echo "$sha512  $fresh/$package.tgz" | sha512sum --check --status || fail "$package has a wrong checksum"
tar -xzf "$fresh/$package.tgz" -C "$fresh" package/dist/echarts.min.js package/LICENSE package/NOTICE
mkdir -p charts
cp "$fresh"/package/{dist/echarts.min.js,LICENSE,NOTICE} charts
echo "$package" >charts/from
echo "laconic: fetched $package, the charting library of laconic report"
