"""Keyed random choices: a number from anything that can be named, and a permutation without a table."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

BLOCK = 16_384  # numbers that are permuted together: they stay in the processor's cache
ROUNDS = 5  # four leave neighbours in a set of fifty or less too often together


def derive_seed(*parts: object) -> int:
    """A 64-bit key that depends on every part."""
    text = "\n".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def permute(places: np.ndarray, size: int, key: int) -> np.ndarray:
    """A keyed bijection on {0, ..., size - 1}, for sizes up to 2^32: a Feistel network (Luby & Rackoff 1988)
    over pairs of numbers below sqrt(size), added instead of xor-ed, walked along its cycles until it
    lands inside (the generalised Feistel cipher of Black & Rogaway 2002, section 5)."""
    if size > 2**32:
        raise ValueError(f"{size} rows; expected at most 2^32 of a task")
    side = np.uint32(math.isqrt(max(size - 1, 0)) + 1)  # the pairs are hardly more than the numbers
    round_keys = _round_keys(key)
    values = np.empty(len(places), dtype=np.uint32)
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK].astype(np.uint32)
        values[start : start + BLOCK] = _feistel(block, side, round_keys)
    while len(outside := np.flatnonzero(values >= size)):
        values[outside] = _feistel(values[outside], side, round_keys)
    return values.astype(np.int64)


def _feistel(
    values: np.ndarray, side: np.uint32, round_keys: Sequence[tuple[np.uint32, np.uint32]]
) -> np.ndarray:
    """left, right -> right, left + hash(right) modulo `side`, in each round.

    Hash: multiply and shift (Dietzfelbinger 1997), twice, and scale to [0, side) without a division.
    """
    half = np.uint32(16)
    left = values // side
    right = values - left * side
    hashed, other = np.empty_like(left), np.empty_like(left)
    for offset, factor in round_keys:
        np.add(right, offset, out=hashed)
        hashed *= factor
        hashed ^= np.right_shift(hashed, half, out=other)
        hashed *= factor
        hashed >>= half
        hashed *= side
        hashed >>= half
        hashed += left
        np.subtract(hashed, side, out=other)  # below zero wraps to the largest numbers
        np.minimum(hashed, other, out=hashed)
        left, right, hashed = right, hashed, left
    permuted: np.ndarray = left * side + right
    return permuted


def _round_keys(key: int) -> list[tuple[np.uint32, np.uint32]]:
    """For each round an offset and an odd factor, from the first numbers of splitmix64 (Steele 2014)."""
    pairs = []
    for place in range(1, ROUNDS + 1):
        number = (key + 0x9E3779B97F4A7C15 * place) & 0xFFFFFFFFFFFFFFFF
        number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        number = (number ^ (number >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        number ^= number >> 31
        pairs.append((np.uint32(number >> 32), np.uint32(number & 0xFFFFFFFF | 1)))
    return pairs
