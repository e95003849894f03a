#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch_charts.sh : fetches Apache ECharts (12 MB, by npm) into charts/, from which CMake embeds it in the
# program. Only the pages of `laconic report` need it. Silent and quick if it is there already. Prints one
# line and exits with code 1 if it cannot be fetched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

package=echarts-6.1.0
# npm's checksum, sha512-q0yaFPgg..., in hexadecimal.
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
