import os
import signal

import pytest

from tacit.engine.stop import StopSignals


def test_the_first_ctrl_c_is_a_wish_the_second_an_order():
    with StopSignals() as signals:
        assert not signals.stop
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.stop
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_polite_kill_is_a_wish_too_and_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.stop
    assert signal.getsignal(signal.SIGTERM) is before
