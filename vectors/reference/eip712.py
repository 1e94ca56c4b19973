"""EIP-712 from type strings: the members and their types are parsed out of the string that is hashed."""

import re

from .keccak import keccak256

DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def _parse(type_string):
    structs = {}
    for name, members in re.findall(r"(\w+)\(([^)]*)\)", type_string):
        structs[name] = [tuple(member.split(" ")) for member in members.split(",")]
    return structs


def _own_type(name, structs):
    """The type string of one struct with the structs it refers to, sorted by name."""
    found, queue = [], [name]
    while queue:
        current = queue.pop()
        if current in structs and current not in found:
            found.append(current)
            queue += [kind.removesuffix("[]") for kind, _ in structs[current]]
    ordered = [name] + sorted(found[1:])
    return "".join(f"{n}({','.join(f'{k} {m}' for k, m in structs[n])})" for n in ordered)


def _word(kind, value, structs):
    if kind.endswith("[]"):
        return keccak256(b"".join(_word(kind[:-2], item, structs) for item in value))
    if kind in structs:
        return _struct(kind, value, structs)
    if kind == "string":
        return keccak256(value.encode())
    if kind == "bytes":
        return keccak256(value)
    if kind == "address":
        return bytes(12) + value
    if kind == "bool":
        return int(value).to_bytes(32, "big")
    if kind.startswith("bytes"):
        size = int(kind[5:])
        assert len(value) == size
        return value + bytes(32 - size)
    bits = int(kind.lstrip("uint") or "256")
    low, high = (0, 1 << bits) if kind.startswith("uint") else (-(1 << bits - 1), 1 << bits - 1)
    assert low <= value < high, (kind, value)
    return (value % (1 << 256)).to_bytes(32, "big")


def _struct(name, value, structs):
    words = [_word(kind, value[member], structs) for kind, member in structs[name]]
    return keccak256(keccak256(_own_type(name, structs).encode()) + b"".join(words))


def struct_hash(type_string, value):
    structs = _parse(type_string)
    name = type_string[:type_string.index("(")]
    assert _own_type(name, structs) == type_string, "the type string is not in EIP-712's order"
    return _struct(name, value, structs)


def separator(name, version, chain_id, contract):
    return struct_hash(DOMAIN, {"name": name, "version": version, "chainId": chain_id, "verifyingContract": contract})


def digest(domain_separator, hashed):
    return keccak256(b"\x19\x01" + domain_separator + hashed)
