"""Which connection gives way when a service holds as many as it may."""

from agent_runtime.domain.connections import ConnectionLimit


def test_the_oldest_silent_connection_of_the_address_gives_way() -> None:
    """At an address's limit its oldest silent connection is closed, and none of another address."""
    limit: ConnectionLimit[int] = ConnectionLimit(total=10, per_address=2)
    assert [limit.opened(0, "b"), limit.opened(1, "a"), limit.opened(2, "a")] == [None] * 3
    assert limit.opened(3, "a") == 1
    assert limit.opened(4, "a") == 2
    assert len(limit) == 3


def test_a_connection_that_is_served_never_gives_way() -> None:
    """When every other connection is being served, the newcomer is the one to go."""
    limit: ConnectionLimit[int] = ConnectionLimit(total=10, per_address=2)
    for connection in (1, 2):
        limit.opened(connection, "a")
        limit.serving(connection)
    assert limit.opened(3, "a") == 3
    limit.served(1)
    assert limit.opened(4, "a") == 1


def test_silent_connections_go_before_idle_ones() -> None:
    """A connection that has carried a request outlives younger ones that never sent any."""
    limit: ConnectionLimit[int] = ConnectionLimit(total=10, per_address=3)
    limit.opened(1, "a")
    limit.serving(1)
    limit.served(1)
    limit.opened(2, "a")
    limit.opened(3, "a")
    assert [limit.opened(4, "a"), limit.opened(5, "a")] == [2, 3]


def test_all_addresses_together_have_a_limit() -> None:
    """At the total limit the oldest silent connection of all addresses is closed."""
    limit: ConnectionLimit[int] = ConnectionLimit(total=3, per_address=2)
    victims = [limit.opened(number, f"address {number}") for number in range(5)]
    assert victims == [None, None, None, 0, 1]


def test_a_thousand_come_and_go_and_nothing_is_left() -> None:
    """Closed connections free their places, also those that are reported closed twice or never counted."""
    limit: ConnectionLimit[int] = ConnectionLimit(total=2000, per_address=2000)
    for number in range(1000):
        limit.opened(number, f"address {number % 7}")
        if number % 2:
            limit.serving(number)
        if number % 4 == 1:
            limit.served(number)
    for number in [*range(1000), *range(1100)]:
        limit.closed(number)
    assert len(limit) == 0
    assert limit.is_relaxed
    assert not limit._counts
    assert not limit._silent
    assert not limit._idle
