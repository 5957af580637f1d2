import numpy as np
import torch

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.evaluate.cepstra import mfcc_statistics
from tacit.nn.mel import mfcc


def pool(n: int = 7, samples: int = 800) -> Pool:
    rng = np.random.default_rng(0)
    end = rng.integers(300, samples, (n, 1, 1))
    x = np.where(np.arange(samples) < end, rng.normal(0, 5000, (n, 1, samples)), 0)
    return Pool(ItemSpec((1, samples), "sound", rate=8000), x.clip(-30000, 30000).astype(np.int16))


def test_they_are_mean_and_deviation_of_each_coefficient_over_the_frames_of_the_clip():
    items = pool()
    found = mfcc_statistics(items, torch.tensor([4, 1]), n=5)
    for row, i in zip(found, (4, 1), strict=True):
        x = items.floats([i])
        cepstra, _ = mfcc(x, 8000, 5)
        end = int(x[0, 0].nonzero().max()) + 1
        own = cepstra[0, :, : -(-end // 80)]  # frames are centered every 80 samples
        assert torch.allclose(row, torch.cat([own.mean(1), own.std(1, correction=0)]), atol=1e-4)


def test_there_are_forty_of_all_items_and_fewer_at_low_rates():
    assert mfcc_statistics(pool()).shape == (7, 40)
    slow = Pool(ItemSpec((1, 100), "sound", rate=1000), np.ones((3, 1, 100), np.int16))
    found = mfcc_statistics(slow)
    assert len(found) == 3 and found.shape[1] < 40 and found.isfinite().all()


def test_zeros_behind_a_clip_do_not_count():
    short = pool()
    padded = np.concatenate([short[slice(None)].numpy(), np.zeros((7, 1, 800), np.int16)], 2)
    long = Pool(ItemSpec((1, 1600), "sound", rate=8000), padded)
    assert torch.allclose(mfcc_statistics(short), mfcc_statistics(long), atol=1e-4)
