"""Write ``digits.npz`` from scikit-learn's digits (needed only to make the shipped file again)."""

from __future__ import annotations

import numpy as np

from normviz.lab.data.digits import FILE


def main() -> None:
    """Save pixels and labels as bytes; the pixels are integers from 0 to 16."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    if not np.array_equal(pixels, bunch.images):
        raise SystemExit("The pixels of this version of scikit-learn are not whole numbers from 0 to 255.")
    np.savez_compressed(FILE, pixels=pixels, labels=labels)
    print(f"{FILE}: {len(labels)} digits, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
