"""Where a receive waited for its message: what the sends say, and what can be said without them."""

import pytest
from profiled import lane, moment, traced

from mpbench.profiling.event_files import EventTotal
from mpbench.profiling.hook import kinds
from mpbench.profiling.transfer_waits import add_transfer_waits

_PIPE = {1: ("pipe:1", "Pipe", "program.py:3", {"peer": "pipe:1"})}
_LARGE = 1 << 20


def waits(receive, *sends, **given):
    """Return the waits that are found in a process which received, as (begin, end) in ms."""
    sender = traced(1, lane(*sends), things=_PIPE)
    receiver = traced(2, lane(receive), things=_PIPE, **given)
    found = add_transfer_waits((sender, receiver))[1].threads[0].events
    assert found[0] == receive
    return found[1:]


@pytest.mark.parametrize(
    ("sent", "received", "size", "waited"),
    [
        pytest.param((1, 2), (3, 9), 40, None, id="it was there, however long the read took"),
        pytest.param((5, 5.001), (3, 6), 40, (3, 6), id="it was sent while somebody waited"),
        pytest.param((3.005, 3.006), (3, 3.01), 40, (3, 3.01), id="a short wait is one too"),
        pytest.param((5, 8), (3, 8), _LARGE, (3, 5), id="a large one arrives while it is sent"),
        pytest.param((2, 8), (3, 8), _LARGE, None, id="a large one that was on its way"),
        pytest.param((2, 5), (3, 5), 40, (3, 5), id="its sender had begun but not written"),
        pytest.param((2.999, 3.002), (3, 3.003), 40, None, id="its sender was about to end"),
    ],
)
def test_a_receive_waited_until_its_message_was_sent(sent, received, size, waited):
    """A message that was sent before its receive began was there; one sent later was waited for."""
    send = moment(*sent, kinds.SEND, 1, argument=size)
    found = waits(moment(*received, kinds.RECV, 1, argument=size), send)
    expected = [] if waited is None else [moment(*waited, kinds.RECV_WAIT, 1)]
    assert list(found) == expected


@pytest.mark.parametrize(
    ("took_ms", "size", "is_wait"),
    [(0.019, 40, False), (0.020, 40, True), (5, 0, True), (5, _LARGE, True)],
    ids=["short", "long", "end of the channel", "large"],
)
def test_without_the_send_a_long_receive_is_a_wait(took_ms, size, is_wait):
    """A receive whose send nobody saw is judged by how long it took."""
    found = waits(moment(3, 3 + took_ms, kinds.RECV, 1, argument=size))
    assert [one.kind for one in found] == [kinds.RECV_WAIT] * is_wait


def test_sends_of_a_process_that_did_not_keep_all_are_not_believed():
    """Where events are missing, sends and receives cannot be matched by their order."""
    send = moment(1, 2, kinds.SEND, 1, argument=40)
    receive = moment(3, 9, kinds.RECV, 1, argument=40)
    assert not waits(receive, send)
    assert waits(receive, send, dropped=1)


def test_waits_are_summed_up_for_their_channel():
    """The table of channels reads sums: times, whole time, longest."""
    receives = [moment(at, at + 2, kinds.RECV, 1, argument=40) for at in (3, 10)]
    receives.append(moment(20, 25, kinds.RECV, 1, argument=40))
    (one,) = add_transfer_waits((traced(2, lane(*receives), things=_PIPE),))
    assert EventTotal(kinds.RECV_WAIT, 1, 3, 9_000_000, 5_000_000) in one.totals


@pytest.mark.parametrize(
    ("each_ns", "counted"), [(1_000_000, 10), (1_000, 0)], ids=["long", "short"]
)
def test_receives_that_were_only_counted_are_waits_if_they_were_long(each_ns, counted):
    """What a full file only counted is a wait if it was long on average."""
    receive = moment(3, 4, kinds.RECV, 1, argument=40)
    process = traced(2, lane(receive), things=_PIPE, dropped=10)
    kept = process.totals[0]
    all_of_them = kept._replace(times=11, total_ns=kept.total_ns + 10 * each_ns)
    (one,) = add_transfer_waits((process._replace(totals=(all_of_them,)),))
    (waited,) = (total for total in one.totals if total.kind == kinds.RECV_WAIT)
    assert (waited.times, waited.total_ns) == (1 + counted, 1_000_000 + counted * each_ns)


@pytest.mark.parametrize(
    ("sent", "received", "size", "waited"),
    [
        pytest.param((1, 9), (7, 9), _LARGE, (1, 7), id="a large one until somebody reads"),
        pytest.param((1, 9), (0, 9), _LARGE, None, id="its reader was there already"),
        pytest.param((1, 9), (12, 13), 40, (1, 9), id="a small one until there was room"),
        pytest.param((1, 1.5), (7, 8), _LARGE, None, id="it went into the pipe at once"),
    ],
)
def test_a_send_waited_until_its_reader_began(sent, received, size, waited):
    """Bytes that nobody takes are not on their way."""
    send = moment(*sent, kinds.SEND, 1, argument=size)
    receive = moment(*received, kinds.RECV, 1, argument=size)
    sender = traced(1, lane(send), things=_PIPE)
    receiver = traced(2, lane(receive), things=_PIPE)
    found = add_transfer_waits((sender, receiver))[0]
    expected = [] if waited is None else [moment(*waited, kinds.SEND_WAIT, 1)]

    assert [send, *expected] == list(found.threads[0].events)
    assert len(expected) == sum(one.kind == kinds.SEND_WAIT for one in found.totals)
