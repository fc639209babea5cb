"""Data sets made of others: rotated MNIST, rebuilt."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from grouplearn.domains.labelled_images import ImageSets, LabelledImages

_TRAIN, _TEST = 12_000, 50_000


def rotated(images: UInt8[np.ndarray, "N H W"], seed: int = 0) -> UInt8[np.ndarray, "N H W"]:
    """Each image turned about its middle by a uniformly random angle, bilinear, zero outside.

    Args:
        images: (N, H, W).
        seed: of the angles.

    Returns:
        (N, H, W).
    """
    from scipy.ndimage import rotate

    angles = np.random.default_rng(seed).uniform(0, 360, len(images))
    turned = [
        rotate(image.astype(np.float32), angle, reshape=False, order=1)
        for image, angle in zip(images, angles, strict=True)
    ]
    return np.asarray(np.stack(turned).clip(0, 255), dtype=np.uint8)


def rotated_sets(sets: ImageSets, seed: int = 0) -> ImageSets:
    """Turn all images; rebuild rotated MNIST where there are enough of them.

    From 62,000 images or more, as MNIST has, training and test images are put together and
    shuffled: 12,000 train and 50,000 test. The original, of Larochelle et al., has other angles, so
    that figures are not those of the original. Fewer images stay in the sets in which they are.

    Args:
        sets: grey images, with a test set or without.
        seed: of order and angles.

    Returns:
        Sets of the same classes.

    References:
        Larochelle et al., 2007, An empirical evaluation of deep architectures.
    """
    parts = [part for part in (sets.train, sets.test) if part is not None]
    if sum(len(part.labels) for part in parts) < _TRAIN + _TEST:
        turned_parts = [
            LabelledImages(rotated(part.images[:, 0], seed + k)[:, None], part.labels, part.names)
            for k, part in enumerate(parts)
        ]
        return ImageSets(turned_parts[0], turned_parts[1] if len(parts) > 1 else None)
    images = np.concatenate([part.images[:, 0] for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    order = np.random.default_rng(seed).permutation(len(images))[: _TRAIN + _TEST]
    turned, labels = rotated(images[order], seed)[:, None], labels[order]
    names = sets.train.names
    train = LabelledImages(turned[:_TRAIN], labels[:_TRAIN], names)
    return ImageSets(train, LabelledImages(turned[_TRAIN:], labels[_TRAIN:], names))
