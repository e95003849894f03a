# SPDX-License-Identifier: Apache-2.0
"""The wheel of the Python package: scikit-build runs the CMake project of this folder."""
import pathlib
import re

from skbuild import setup

root = pathlib.Path(__file__).parent
version = re.search(r"project\(laconic VERSION (\S+)", (root / "CMakeLists.txt").read_text()).group(1)

setup(
    name="laconic",
    version=version,
    description="Communication-efficient distributed optimisation over slow links",
    long_description=(root / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9",
    install_requires=["numpy"],
    extras_require={"pandas": ["pandas"], "plot": ["matplotlib"], "torch": ["torch"]},
    packages=["laconic", "laconic.torch"],
    package_dir={"": "python"},
    package_data={"laconic": ["py.typed", "*.pyi"], "laconic.torch": ["*.pyi"]},
    cmake_args=[
        "-DLACONIC_PYTHON=ON",
        "-DLACONIC_TESTS=OFF",
        "-DLACONIC_BENCH=OFF",
        "-DCMAKE_BUILD_TYPE=Release",
    ],
    cmake_install_target="install-python",
    zip_safe=False,
)
