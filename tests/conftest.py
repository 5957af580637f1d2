"""What every test shares: one thread, and small real items."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch: two spinning threads on shared cores can be 100x slower

import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec

torch.set_num_threads(1)
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else programs started here would not hear a Ctrl-C
DATA = Path(os.environ.get("TACIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Real handwritten digits that ship with scikit-learn: x (1797, 1, 8, 8) uint8 in 0..255, y (1797,) int64."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = np.round(data.images * (255 / 16)).astype(np.uint8)[:, None]
    return x, data.target.astype(np.int64)


@pytest.fixture(scope="session")
def digits_pool(digits) -> Pool:
    return Pool(ItemSpec((1, 8, 8), "image", tuple("0123456789")), digits[0])


@pytest.fixture(scope="session")
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """The first 10,000 MNIST training digits, where the data folder has them: x (10000, 1, 28, 28) uint8, y."""
    path = DATA / "mnist" / "train.npz"
    if not path.is_file():
        pytest.skip(f"needs {path.name} of MNIST; set TACIT_DATA to a folder that has mnist/train.npz")
    with np.load(path, allow_pickle=False) as data:
        return data["x"][:10000, None], data["y"][:10000].astype(np.int64)
