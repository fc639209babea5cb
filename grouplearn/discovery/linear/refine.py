"""Turning the basis of an action so that the moments are as invariant as they can be."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.tensors import WeightedMoments, mean_moments

_STEPS = 8
_NULL = 6.0
_FOURTH_UP_TO = 10


def polished(
    action: WhitenedAction, groups: list[WeightedMoments], steps: int = _STEPS
) -> WhitenedAction:
    """The action of the same kind, in a basis near the given one, that best keeps the moments.

    In the complex basis of the planes, the entries of a moment tensor whose charges do not cancel
    vanish, and under a reflection the others are real (imaginary where an odd number of signs
    changes). Gauss-Newton steps over rotations of the basis; the group law holds throughout.

    Args:
        action: a start.
        groups: moments of the groups of rows; their spread weighs the orders of moments.
        steps: at most.
    """
    if not action.turns.orders or len(action.basis) < 2:
        return action
    mean = mean_moments(groups)
    weight = [1 / np.sqrt(each) for each in _noise(groups, mean)]
    dim = len(action.basis)
    upper = np.triu_indices(dim, 1)
    for _ in range(steps):
        count = 0
        normal, slope = np.zeros((len(upper[0]),) * 2), np.zeros(len(upper[0]))
        turned = mean.turned(action.complex_rows @ action.basis.T)
        for tensors, scale in zip(_stack(turned, dim), weight, strict=True):
            shaped = scale.reshape(-1, *[1] * (tensors.ndim - 1))
            residual, jacobian = _residual(action, tensors * shaped)
            count += len(residual)
            normal += jacobian.T @ jacobian
            slope += jacobian.T @ residual
        step = _solved(normal, slope, count)
        length = float(np.linalg.norm(step))
        skew = np.zeros((dim, dim))
        skew[upper] = step * min(1.0, 0.5 / max(length, 1e-300))
        skew -= skew.T
        action = replace(action, basis=action.basis @ _cayley(skew))
        if length < 1e-7:
            break
    return action


def _solved(
    normal: NDArray[np.float64], slope: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """The Gauss-Newton step, without the directions in which only noise has a slope.

    Mixing equal irreps changes nothing but the noise of the residuals, whose size is 1.
    """
    values, vectors = np.linalg.eigh(normal)
    seen = values > max(_NULL * count, 1e-10 * values[-1])
    chosen = vectors[:, seen]
    return np.asarray(chosen @ ((chosen.T @ -slope) / values[seen]))


def _stack(moments: WeightedMoments, dim: int) -> list[NDArray[Any]]:
    lower = [moments.first, moments.second, moments.third]
    return [*lower, moments.fourth] if dim <= _FOURTH_UP_TO else lower


def _noise(groups: list[WeightedMoments], mean: WeightedMoments) -> list[NDArray[np.float64]]:
    """Mean variance of the entries of every tensor, by the order of the moment."""
    dim, count = len(mean.second[0]), len(groups)
    out = []
    for position, average in enumerate(_stack(mean, dim)):
        parts = [(_stack(group, dim)[position] - average) ** 2 for group in groups]
        variance = sum(part.reshape(len(average), -1).mean(1) for part in parts)
        out.append(np.maximum(variance / (count * (count - 1)), 1e-300))
    return out


def _cayley(skew: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """An orthogonal matrix near exp(skew)."""
    eye = np.eye(len(skew))
    return np.asarray(np.linalg.solve(eye - skew / 2, eye + skew / 2))


def broken(
    action: WhitenedAction, index: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which entries, (u, k) indices of complex coordinates, vanish; of the others the odd ones."""
    charge = action.charges()[:, index].sum(-1)
    vanishing = (np.abs(charge - np.round(charge)) > 1e-6).any(0)
    return vanishing, action.parities()[index].prod(-1) < 0


def _residual(
    action: WhitenedAction, tensors: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What breaks the symmetry in tensors of the complex basis, and its derivative."""
    dim, order = tensors.shape[1], tensors.ndim - 1
    index = np.array(list(combinations_with_replacement(range(dim), order)))
    vanishing, odd = broken(action, index)
    if action.signs is None:
        index, odd, vanishing = index[vanishing], odd[vanishing], vanishing[vanishing]
    rows = action.complex_rows
    upper = np.triu_indices(dim, 1)
    values, slopes = [], []
    for tensor in tensors:
        moved = np.zeros((len(index), dim, dim), dtype=np.complex128)
        for slot in range(order):
            others = [index[:, k] for k in range(order) if k != slot]
            entries = np.moveaxis(tensor, slot, -1)[tuple(others)]
            moved[np.arange(len(index)), index[:, slot]] += entries
        # d/dS of the entries under exp(-S), S skew in the real basis.
        real = rows.T @ moved @ rows.conj()
        slope = -(real - real.swapaxes(1, 2))[:, upper[0], upper[1]]
        value = tensor[tuple(index.T)]
        if action.signs is None:
            values += [value.real, value.imag]
            slopes += [slope.real, slope.imag]
            continue
        for part, wrong in ((np.real, vanishing | odd), (np.imag, vanishing | ~odd)):
            values.append(part(value[wrong]))
            slopes.append(part(slope[wrong]))
    return np.concatenate(values), np.concatenate(slopes)
