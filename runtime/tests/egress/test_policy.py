"""The rules: which targets and IP addresses may be called, with and without EGRESS_ALLOW."""

from __future__ import annotations

import pickle

import pytest

from agent_runtime.egress.addresses import is_public, parse
from agent_runtime.egress.policy import AddressRefusedError, EgressPolicy, Guard
from agent_runtime.egress.urls import EgressRefused, read
from agent_runtime.settings import Settings, SettingsError

PRIVATE = [
    "127.0.0.1", "127.255.0.3", "0.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1",
    "2001:db8::1", "3fff::1", "5f00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_form_of_a_private_address_is_public(address: str) -> None:
    """Private, local, reserved and multicast addresses are refused, also inside IPv6."""
    assert not is_public(parse(address))
    guard = Guard(read("https://x.example"), EgressPolicy())
    with pytest.raises(AddressRefusedError, match="EGRESS_ALLOW"):
        guard.require(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    """Global unicast addresses need no entry in EGRESS_ALLOW."""
    Guard(read("https://x.example"), EgressPolicy()).require(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://x.example", "http://8.8.8.8", "https://127.0.0.1", "https://[::1]", "https://localhost",
        "https://LOCALHOST.", "https://a.localhost", "https://[::ffff:127.0.0.1]", "https://[64:ff9b::1]",
        "https://169.254.169.254", "https://\uff11\uff10.\uff10.\uff10.\uff11", "https://localhost:8443",
    ],
)  # fmt: skip
def test_what_needs_no_dns_is_refused_before_any_connection(url: str) -> None:
    """Plain http and addresses that are not public are refused with the operator's remedy."""
    with pytest.raises(EgressRefused, match="EGRESS_ALLOW"):
        EgressPolicy().check(read(url))


@pytest.mark.parametrize(
    ("allow", "url", "address"),
    [
        ("http://vllm:8000", "http://vllm:8000/v1", "10.0.0.7"),
        ("vllm:8000", "https://vllm:8000", "10.0.0.7"),
        ("vllm.internal", "http://VLLM.internal.:9000/v1", "fd00::1"),
        ("a, b\nvllm.internal.", "https://vllm.internal", "127.0.0.1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1"),
        ("::1", "http://[::1]:8000", "::1"),
        ("http://[::1]:8000/", "http://[::1]:8000", "::1"),
        ("10.0.0.0/8", "https://vllm.internal", "10.0.0.7"),
        ("10.0.0.0/8", "https://vllm.internal", "::ffff:10.0.0.7"),
        ("10.0.0.0/8", "http://10.0.0.7", "10.0.0.7"),
        ("fd00::/8 127.0.0.0/8", "https://localhost", "127.0.0.1"),
        ("xn--bcher-kva.example", "http://bücher.example", "10.0.0.7"),
    ],
)
def test_the_operator_permits_hosts_and_networks(allow: str, url: str, address: str) -> None:
    """A named host may be anywhere and plain; an address of a named network is permitted."""
    policy = EgressPolicy.of(allow)
    policy.check(read(url))
    Guard(read(url), policy).require(address)


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("vllm:8000", "http://vllm:8001"),
        ("vllm:8000", "http://vllm"),
        ("vllm", "http://evil.vllm"),
        ("vllm", "http://vllm.example"),
        ("https://vllm", "http://vllm"),
        ("10.0.0.0/8", "http://vllm.internal"),
        ("10.0.0.0/8", "https://192.168.0.1"),
    ],
)
def test_nothing_beyond_the_entry_is_permitted(allow: str, url: str) -> None:
    """Another port, host, scheme or network than the entry's stays refused."""
    with pytest.raises(EgressRefused):
        EgressPolicy.of(allow).check(read(url))


def test_a_named_network_does_not_open_others() -> None:
    """A name that stands for an address outside the network is refused when it is called."""
    with pytest.raises(AddressRefusedError):
        Guard(read("https://x"), EgressPolicy.of("10.0.0.0/8")).require("192.168.0.1")
    with pytest.raises(AddressRefusedError):
        Guard(read("https://x"), EgressPolicy.of("y")).require("not an address")


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.0/33", "10.0.0.1/8", "http://vllm/v1", "ftp://vllm", "*", "*.internal", "vllm:0", "vllm:x",
        "http://", "u:s3cret@vllm", "http://u:s3cret@vllm", "2130706433", "a/b", "bücher.example",
    ],
)  # fmt: skip
def test_a_malformed_entry_is_refused_at_start(entry: str) -> None:
    """EGRESS_ALLOW is checked with all settings, and the error has the variable and a remedy."""
    with pytest.raises(SettingsError) as refused:
        Settings.load({"EGRESS_ALLOW": f"vllm, {entry}"})
    assert str(refused.value).startswith("EGRESS_ALLOW: ")
    assert "write" in str(refused.value)
    if "://" in entry:
        assert "s3cret" not in str(refused.value)


def test_the_policy_reaches_the_jobs() -> None:
    """A policy survives pickling, as each job process receives a copy."""
    policy = EgressPolicy.of("http://vllm:8000, 10.0.0.0/8, fd00::/8")
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301 - our own bytes


def test_a_client_calls_its_target_only() -> None:
    """Another host or port than the target's is refused, whatever the policy permits."""
    guard = Guard(read("https://x.example"), EgressPolicy.of("0.0.0.0/0"))
    guard.require_origin("X.example.", 443)
    for host, port in (("y.example", 443), ("x.example", 80), ("", None)):
        with pytest.raises(AddressRefusedError):
            guard.require_origin(host, port)
