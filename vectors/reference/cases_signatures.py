"""Project Wycheproof's signatures, each beside the account and digest that a contract judges it by."""

import hashlib
import json
import pathlib

from . import keccak

SOURCE = pathlib.Path(__file__).parent.parent / "wycheproof/ecdsa_secp256k1_sha256_p1363_test.json"


def judged():
    rows = {"accounts": [], "digests": [], "signatures": [], "results": []}
    for group in json.loads(SOURCE.read_text())["testGroups"]:
        point = bytes.fromhex(group["publicKey"]["uncompressed"])[1:]
        for test in group["tests"]:
            rows["accounts"].append("0x" + keccak.keccak256(point)[12:].hex())
            rows["digests"].append("0x" + hashlib.sha256(bytes.fromhex(test["msg"])).hexdigest())
            rows["signatures"].append("0x" + test["sig"])
            rows["results"].append(test["result"])
    return rows
