# SPDX-License-Identifier: Apache-2.0
"""The BLAS by which PyTorch computes in this process. Debian's reference BLAS is many times slower than OpenBLAS, so a
comparison with it says nothing."""
import os
import re

# Before PyTorch is imported: one thread, and the kernels of OpenBLAS that are for this CPU.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)


def loaded():
    """The files of BLAS libraries in this process. PyTorch is imported, and multiplies once to load all it needs."""
    import torch

    torch.ones(64, 64) @ torch.ones(64, 64)
    with open("/proc/self/maps", encoding="utf8") as maps:
        return sorted(set(re.findall(r"/\S*(?:blas|blis|mkl|atlas)[^/\s]*\.so[.\d]*", maps.read())))


def reference_among(libraries):
    """The reference BLAS, if it is one of them. OpenBLAS and others have a libblas.so in folders of their names."""
    for library in libraries:
        if re.search(r"/libblas\.so[.\d]*$", library) and not re.search("openblas|blis|mkl|atlas", library):
            return library
    return None


def refused():
    """Why this BLAS is no reference for a benchmark, in a line; None if it is one."""
    library = reference_among(loaded())
    return library and (f"PyTorch computes by the reference BLAS, {library}, many times slower than others: install "
                        "libopenblas0-pthread, and leave OPENBLAS_CORETYPE unset")
