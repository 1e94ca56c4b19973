#!/usr/bin/env python3
"""Recomputes every vector of vectors/protocol with an implementation that shares no code with Souk's own.

    python3 vectors/check.py            exits 1 and names what differs
    python3 vectors/check.py --write    makes the files anew, after the protocol itself was changed
"""

import hashlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from reference import cases_hashing, cases_messages, cases_money, cases_sampling, cases_signatures  # noqa: E402
from reference import eip712, keccak, sampling, secp256k1  # noqa: E402

ROOT = pathlib.Path(__file__).parent
FILES = {
    "charge": lambda: list(cases_money.charges()),
    "decimal": lambda: list(cases_money.decimals()),
    "channels": cases_money.channels,
    "messages": cases_messages.messages,
    "nonce_chain": cases_hashing.nonce_chains,
    "heartbeat": cases_hashing.heartbeats,
    "commitments": cases_hashing.commitments,
    "manifest": lambda: list(cases_hashing.manifests()),
    "philox": lambda: list(cases_sampling.philox()),
    "sampling_key": cases_sampling.keys,
    "portable_math": cases_sampling.math_bits,
    "gumbel": lambda: list(cases_sampling.noises()),
    "judged_signatures": cases_signatures.judged,
    "sampler": lambda: list(cases_sampling.tokens()),
}


def published():
    """The reference itself against vectors that others published; yields what fails."""
    for case in json.loads((ROOT / "keccak/ShortMsgKAT_256.json").read_text()):
        if keccak.keccak256(bytes.fromhex(case["message"])).hex() != case["hash"]:
            yield f"keccak of {case['message'][:20]}"
    for case in json.loads((ROOT / "rfc6979/secp256k1_sha256.json").read_text()):
        signature = secp256k1.sign(int(case["private_key"], 16), hashlib.sha256(case["message"].encode()).digest())
        if signature[:64].hex() != case["r"] + case["s"]:
            yield f"rfc6979 of {case['message']}"
    for line in (ROOT / "random123/philox4x32-10.txt").read_text().splitlines():
        words = [int(word, 16) for word in line.split()[2:]]
        if sampling.philox(tuple(words[:4]), tuple(words[4:6])) != tuple(words[6:]):
            yield f"philox of {line}"
    mail = json.loads((ROOT / "eip712/mail.json").read_text())
    domain, message = mail["domain"], mail["message"]

    def raw(text):
        return bytes.fromhex(text[2:])

    people = {who: message[who] | {"wallet": raw(message[who]["wallet"])} for who in ("from", "to")}
    struct_hash = eip712.struct_hash(mail["types"]["Mail"], people | {"contents": message["contents"]})
    separator = eip712.separator(domain["name"], domain["version"], domain["chainId"], raw(domain["verifyingContract"]))
    digest = eip712.digest(separator, struct_hash)
    secret = int.from_bytes(keccak.keccak256(b"cow"), "big")
    signature = "0x" + secp256k1.sign(secret, digest).hex()
    if (signature, "0x" + digest.hex()) != (mail["signature"], mail["digest"]):
        yield "the EIP-712 example"
    if secp256k1.checksum(secp256k1.recover(digest, raw(mail["signature"]))) != mail["address"]:
        yield "the signer of the EIP-712 example"


def main():
    failures = list(published())
    for name, make in FILES.items():
        path = ROOT / "protocol" / f"{name}.json"
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        if "--write" in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or json.loads(path.read_text(encoding="utf-8")) != json.loads(text):
            failures.append(f"{path.name} is not what the rules give")
    for failure in failures:
        print(f"differs: {failure}")
    print(f"{len(FILES)} files checked, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
