# SPDX-License-Identifier: Apache-2.0
"""Addressed randomness: Philox4x32-10 as Salmon et al. define it (SC 2011, section 3.3), and laconic's addresses."""
M0, M1 = 0xD2511F53, 0xCD9E8D57  # multipliers
W0, W1 = 0x9E3779B9, 0xBB67AE85  # Weyl constants: the golden ratio, sqrt(3) - 1
MASK32 = 0xFFFFFFFF
EVERYONE = 0xFFFFFFFF

COMPRESSOR, COIN, PERMUTATION, BATCH, SPLIT = range(5)  # purposes


def philox4x32(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & MASK32, (left >> 32) ^ c3 ^ k1, left & MASK32
        k0, k1 = (k0 + W0) & MASK32, (k1 + W1) & MASK32
    return c0, c1, c2, c3


class Stream:
    """The words at one address. One block turns the address into the key and the upper half of the counter."""

    def __init__(self, seed, round=0, worker=0, step=0, copy=0, purpose=COMPRESSOR):
        self.address = philox4x32((round, worker, step, copy << 8 | purpose), (seed & MASK32, seed >> 32))
        self.next_block, self.ready = 0, []

    def next32(self):
        if not self.ready:
            a0, a1, a2, a3 = self.address
            b = self.next_block
            self.ready = list(philox4x32((b & MASK32, b >> 32, a2, a3), (a0, a1)))
            self.next_block += 1
        return self.ready.pop(0)

    def next64(self):
        low = self.next32()
        return low | self.next32() << 32

    def uniform(self):
        """On [0, 1), 53 bits."""
        return (self.next64() >> 11) * 2.0**-53

    def below(self, n):
        """On {0, .., n-1}: the high half of a product (Lemire 2019), without the few low halves that would favour."""
        product = self.next64() * n
        while product % 2**64 < 2**64 % n:
            product = self.next64() * n
        return product >> 64


def shared_coin(seed, round, p):
    """MARINA's c_k: one for all workers of a round."""
    return Stream(seed, round, EVERYONE, purpose=COIN).uniform() < p
