#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch_charts.sh : Apache ECharts, with which pages of `laconic report` draw, into charts/, where CMake takes it into the
# program. Nothing else needs it. Silent and quick where it is there already; where it cannot be had (12 MB), one line
# and exit code 1. CMake is what downloads: it is there wherever laconic is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

url=https://registry.npmjs.org/echarts/-/echarts-6.1.0.tgz
# As npm has it, sha512-q0yaFPgg..., in hexadecimal.
sha512=ab4c9a14f8200bd15476c587e1b95abd15859b176b22875b92828d02326e74023a080f6034fc47b55d917193447a9655964e32bc16243a46e4e87215a48c8764
[[ $(cat charts/from 2>/dev/null) != "$url" ]] || exit 0

fresh=$(mktemp -d charts.XXXXXX)
trap 'rm -rf "$fresh"' EXIT
cat >"$fresh/fetch.cmake" <<EOF
file(DOWNLOAD $url $fresh/package.tgz STATUS status TIMEOUT 300 INACTIVITY_TIMEOUT 20)
list(GET status 0 code)
list(GET status 1 reason)
if(NOT code EQUAL 0)
  message(FATAL_ERROR \${reason})
endif()
file(SHA512 $fresh/package.tgz sum)
if(NOT sum STREQUAL $sha512)
  message(FATAL_ERROR "its checksum is wrong")
endif()
file(ARCHIVE_EXTRACT INPUT $fresh/package.tgz DESTINATION $fresh
  PATTERNS package/dist/echarts.min.js package/LICENSE package/NOTICE)
EOF
if ! cmake -P "$fresh/fetch.cmake" >"$fresh/log" 2>&1; then
  reason=$(sed -n '/^CMake Error/,$ { /^  / { s/^ *"*//; s/"*$//p; q } }' "$fresh/log")
  echo "laconic: $url cannot be had (${reason:-see tools/fetch_charts.sh}); all but laconic report works without" >&2
  exit 1
fi
mkdir -p charts
cp "$fresh"/package/{dist/echarts.min.js,LICENSE,NOTICE} charts
echo "$url" >charts/from
echo "laconic: fetched the charting library of laconic report: $url"
