from gateway.backoff import Backoff


def test_waits_double_up_to_the_most_and_are_never_quite_the_same() -> None:
    backoff = Backoff(1.0, 10.0)
    waits = [backoff.failed() for _ in range(50)]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, (1, 2, 4, 8, 10, 10), strict=False))
    assert max(waits) <= 10
    assert len(set(waits)) == 50
    backoff.worked()
    assert backoff.failed() <= 1
