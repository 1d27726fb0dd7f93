"""Which addresses the server may send requests to, however a URL spells them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.egress.address_rules import AddressRules, RefusedUrl, literal_address

RULES = AddressRules()

_PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
    *("192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
)

private_addresses = st.sampled_from([IPv4Network(network) for network in _PRIVATE]).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)


def _refusal(url: str, rules: AddressRules = RULES) -> str:
    with pytest.raises(RefusedUrl) as refused:
        rules.check_url(url)
    return str(refused.value)


@st.composite
def _ipv4_spellings(draw: st.DrawFn) -> str:
    """A private IPv4 address in a spelling that some resolver or URL parser understands."""
    octets = list(draw(private_addresses).packed)
    kept = draw(st.integers(0, 3))
    numbers = [*octets[:kept], int.from_bytes(octets[kept:])]
    spelled = [
        draw(st.sampled_from([str(n), f"0{n:o}", f"000{n:o}", f"{n:#x}", f"0X{n:X}", f"0x00{n:x}"])) for n in numbers
    ]
    dots = draw(st.sampled_from([".", "\u3002", "\uff0e", "\uff61"]))
    return dots.join(spelled) + draw(st.sampled_from(["", "."]))


@st.composite
def _ipv6_spellings(draw: st.DrawFn) -> str:
    """A private IPv4 address inside an IPv6 address."""
    address = int(draw(private_addresses))
    made = draw(
        st.sampled_from(
            [
                0xFFFF << 32 | address,  # mapped
                address,  # compatible
                0x64FF9B << 96 | address,  # NAT64
                0x64FF9B0001 << 80 | address,  # NAT64 of a local network
                0x2002 << 112 | address << 80 | 1,  # 6to4
                0x20010000 << 96 | int(IPv4Address("65.54.227.120")) << 64 | (address ^ 0xFFFFFFFF),  # Teredo
            ]
        )
    )
    parsed = IPv6Address(made)
    spellings = [str(parsed), parsed.exploded, parsed.exploded.upper()]
    if made >> 32 == 0xFFFF:
        spellings.append(f"::ffff:{IPv4Address(address)}")
    return f"[{draw(st.sampled_from(spellings))}]"


@given(
    st.one_of(_ipv4_spellings(), _ipv6_spellings()),
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(["", ":8443"]),
)
def test_no_spelling_of_a_private_address_is_let_through(host: str, scheme: str, port: str) -> None:
    _refusal(f"{scheme}://{host}{port}/hook")


@given(st.sampled_from(["http", "https"]), _ipv4_spellings())
def test_no_spelling_reaches_an_allowed_network_in_disguise(scheme: str, host: str) -> None:
    """A spelling that other programs may read differently is refused, even where its address is allowed."""
    rules = AddressRules.of(["0.0.0.0/0"])
    try:
        url = rules.check_url(f"{scheme}://{host}/hook")
    except RefusedUrl:
        return
    assert str(ip_address(url.host or "")) == url.host


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "must have 1 to 2048 characters"),
        ("https://a.example/" + "x" * 2048, "must have 1 to 2048 characters"),
        ("app.example.com/hook", "must be a URL"),
        ("https://", "must be a URL"),
        ("//app.example.com", "must begin with https://"),
        ("ftp://app.example.com", "must begin with https://"),
        ("file:///etc/passwd", "must be a URL"),
        ("http://app.example.com", "must begin with https://"),
        ("http://93.184.215.14/", "must begin with https://"),
        ("https://user@app.example.com", "must not contain a user name or a password"),
        ("https://user:pw@app.example.com", "must not contain a user name or a password"),
        ("https://app.example.com@127.0.0.1/", "must not contain a user name or a password"),
        ("https://app.example.com\\@127.0.0.1/", "must not contain spaces, backslashes"),
        ("https://app example.com/", "must not contain spaces"),
        ("https://app.example.com/\r\nHost: b", "must not contain spaces"),
        ("https://app..example.com/", "must contain a valid host name"),
        ("https://-.example.com/", "must contain a valid host name"),
        ("https://%31%32%37.0.0.1.example/", "must contain a valid host name"),
        ("https://①②⑦.⓪.⓪.①/", "127.0.0.1 is a loopback address"),
        ("https://127.0.0.1/", "127.0.0.1 is a loopback address"),
        ("https://127。0。0。1/", "127.0.0.1 is a loopback address"),
        ("https://2130706433/", "127.0.0.1 is a loopback address"),
        ("https://0x7f000001/", "127.0.0.1 is a loopback address"),
        ("https://0x7f.1/", "127.0.0.1 is a loopback address"),
        ("https://0177.1/", "127.0.0.1 is a loopback address"),
        ("https://127.1./", "127.0.0.1 is a loopback address"),
        ("https://0x8.8.8.8/", "must write the address as 8.8.8.8"),
        ("https://8.8.8.8./", "must write the address as 8.8.8.8"),
        ("https://256.1/", "must contain a valid IPv4 address"),
        ("https://1.2.3.4.5/", "must contain a valid IPv4 address"),
        ("https://app.09/", "must contain a valid IPv4 address"),
        ("https://localhost/", "localhost is a loopback address"),
        ("https://LOCALHOST./", "localhost is a loopback address"),
        ("https://a.localhost/", "a.localhost is a loopback address"),
        ("https://0.0.0.0/", "0.0.0.0 is the unspecified address"),
        ("https://[::]/", ":: is the unspecified address"),
        ("https://[::1]/", "::1 is a loopback address"),
        ("https://[fe80::1%25eth0]/", "must not contain a zone"),
        ("https://[fe80::1]/", "fe80::1 is a link-local address"),
        ("https://[::ffff:10.0.0.1]/", "10.0.0.1 is a private address"),
        ("https://[::10.0.0.1]/", "is a private address in an IPv6 address"),
        ("https://[64:ff9b::a9fe:a9fe]/", "is a metadata address of a cloud in an IPv6 address"),
        ("https://[2002:a00:1::]/", "is a private address in an IPv6 address"),
        ("https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/", "is a private address in an IPv6 address"),
        ("https://[fd00:ec2::254]/", "is a metadata address of a cloud"),
        ("https://[fd12::1]/", "is a private address"),
        ("https://[ff02::1]/", "is a multicast address"),
        ("https://[2001:db8::1]/", "is a reserved address"),
        ("https://[4000::1]/", "is a reserved address"),
        ("https://169.254.169.254/latest/meta-data", "is a metadata address of a cloud"),
        ("https://169.254.1.1/", "is a link-local address"),
        ("https://100.64.0.1/", "is a shared address"),
        ("https://239.1.1.1/", "is a multicast address"),
        ("https://255.255.255.255/", "is a reserved address"),
        ("https://app.example.com:22/", "must use port 80, 443 or one from 1024 to 65535, not 22"),
        ("https://app.example.com:0/", "must use port 80, 443 or one from 1024 to 65535, not 0"),
        ("https://app.example.com:65536/", "must be a URL"),
        ("https://[2606:4700::1111]443/x", "must be a URL"),
        ("https://-1.1.1.1/", "must contain a valid IPv4 address"),
        ("https://[::%31\uff101]/", "must be a URL"),
        ("https://app.example.com:0x50/", "must be a URL"),
    ],
)
def test_a_refusal_names_its_rule(url: str, rule: str) -> None:
    assert rule in _refusal(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com/hook?a=b#c",
        "HTTPS://App.Example.com:8443",
        "https://app.example.com.:443/",
        "https://bücher.example/hook",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://[64:ff9b::808:808]/",
        "https://[::ffff:8.8.8.8]/",
        "https://app_1/",
    ],
)
def test_global_addresses_and_names_are_allowed(url: str) -> None:
    RULES.check_url(url)


def test_named_networks_are_allowed_over_http_too() -> None:
    rules = AddressRules.of(["10.0.0.0/8", "fd12::/16"])
    for url in ("http://10.1.2.3:8080/", "https://10.1.2.3/", "http://[fd12::1]/", "http://[::ffff:10.0.0.1]/"):
        rules.check_url(url)
    rules.check_url("http://app.internal.example/")  # its addresses decide, at each connection
    assert "192.168.0.1 is a private address" in _refusal("http://192.168.0.1/", rules)
    assert "must begin with https://" in _refusal("http://8.8.8.8/", rules)
    assert rules.refusal(ip_address("10.1.2.3"), encrypted=False) is None
    assert rules.refusal(ip_address("93.184.215.14"), encrypted=True) is None
    assert "must begin with https://" in (rules.refusal(ip_address("93.184.215.14"), encrypted=False) or "")


def test_a_metadata_address_needs_an_entry_of_its_own() -> None:
    wide = AddressRules.of(["0.0.0.0/0", "::/0"])
    for url in ("http://169.254.169.254/", "https://[fd00:ec2::254]/", "https://[::ffff:169.254.169.254]/"):
        assert "metadata" in _refusal(url, wide)
    AddressRules.of(["169.254.169.254"]).check_url("http://169.254.169.254/")


def test_a_server_for_demonstrations_reaches_its_own_machine() -> None:
    rules = AddressRules.of([], loopback=True)
    for url in ("http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"):
        rules.check_url(url)
    assert "private" in _refusal("http://10.0.0.1/", rules)


def test_an_address_is_read_as_by_programs_in_c() -> None:
    assert literal_address("0300.0250.0x101") == IPv4Address("192.168.1.1")
    assert literal_address("app.example.com") is None
    assert literal_address("0x.example") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com/",
        "http://10.0.0.5:88/realms/team",
        "https://[fd12::1]:444/",
        "http://localhost:8080/",
        "http://169.254.1.1/",
    ],
)
def test_the_operator_may_choose_any_address(url: str) -> None:
    assert AddressRules.of_operator().check_url(url)


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("http://169.254.169.254/", "169.254.169.254 is a metadata address of a cloud"),
        ("http://[::ffff:169.254.169.254]/", "169.254.169.254 is a metadata address of a cloud"),
        ("http://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe is a metadata address of a cloud in an IPv6 address"),
        ("https://user@login.example.com/", "must not contain a user name or a password"),
        ("https://login.example.com:0/", "must use port 80, 443 or one from 1 to 65535, not 0"),
    ],
)
def test_the_operator_may_not_choose_the_metadata_of_a_cloud(url: str, refusal: str) -> None:
    with pytest.raises(RefusedUrl) as refused:
        AddressRules.of_operator().check_url(url)
    assert str(refused.value) == refusal
