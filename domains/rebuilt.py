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
    """Rebuild rotated MNIST: 12,000 images to train on, 50,000 others to test with.

    Training and test images are put together, shuffled, and turned. The original, of Larochelle et
    al., has other angles, so that figures are not those of the original. Where there are fewer than
    62,000 images, the same share of them trains.

    Args:
        sets: grey images, with a test set or without.
        seed: of order and angles.

    Returns:
        Sets of the same classes.

    References:
        Larochelle et al., 2007, An empirical evaluation of deep architectures.
    """
    parts = [part for part in sets if part is not None]
    images = np.concatenate([part.images[:, 0] for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    order = np.random.default_rng(seed).permutation(len(images))[: _TRAIN + _TEST]
    turned, labels = rotated(images[order], seed)[:, None], labels[order]
    edge = len(order) * _TRAIN // (_TRAIN + _TEST)
    names = sets.train.names
    train = LabelledImages(turned[:edge], labels[:edge], names)
    return ImageSets(train, LabelledImages(turned[edge:], labels[edge:], names))
