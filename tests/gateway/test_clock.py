import time

from gateway.clock import GatewayClock, kernel_synchronised


def test_it_tells_both_clocks_and_keeps_the_boot() -> None:
    clock = GatewayClock("assumed")
    one = clock.now()
    time.sleep(0.02)
    two = GatewayClock("assumed").now()
    assert one.sure
    assert one.boot == two.boot
    assert 15 <= two.mono - one.mono < 2000
    assert abs(two.wall - time.time() * 1000) < 1000


def test_the_kernel_is_asked() -> None:
    assert GatewayClock("kernel").synchronised() == kernel_synchronised()


def test_once_set_it_stays_set() -> None:
    answers = iter([False, True, False])
    clock = GatewayClock("kernel", ask_kernel=lambda: next(answers))
    assert [clock.synchronised() for _ in range(3)] == [False, True, True]
