#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make_venv.sh VENV PACKAGES : makes a virtual environment with the system's packages and those in the folder PACKAGES.
set -euo pipefail

venv=$1
packages=$(cd "$2" && pwd)
python=/usr/bin/python3  # Debian's, which has Debian's NumPy
[[ -x $python ]] || python=python3
[[ -x $venv/bin/python ]] || "$python" -m venv --system-site-packages "$venv"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$packages" >"$site/laconic.pth"
"$venv/bin/python" -c 'import laconic'
echo "try it: $venv/bin/python -c 'import laconic as lc; print(lc.run(problem=\"quadratic(d=100)\", method=\"gd\", rounds=10))'"
