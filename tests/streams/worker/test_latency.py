import numpy as np

from streams.worker.latency import BOUNDS, Latency


def test_a_round_is_counted_below_the_bounds_it_reached() -> None:
    latency = Latency()
    latency.observe(np.array([4, 1000, 1000, 10**12, -3000]))
    family = next(iter(latency.collect()))
    counts = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert counts[str(BOUNDS[0])] == 2
    assert counts[str(BOUNDS[np.searchsorted(BOUNDS, 1.0)])] == 4
    assert counts["+Inf"] == 5
