"""Vectors of money: charges, decimals, channels and what is signed for contracts."""

from . import eip712, hashing, secp256k1
from .text import hex_of, key_of, label

ESCROW_TYPES = {
    "ChannelConfig": "ChannelConfig(address payer,address payerAuthorizer,address receiver,"
                     "address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)",
    "Voucher": "Voucher(bytes32 channelId,uint128 maxClaimableAmount)",
    "ClaimBatch": "ClaimBatch(ClaimEntry[] claims)"
                  "ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)",
    "Refund": "Refund(bytes32 channelId,uint256 nonce,uint128 amount)",
    "Draw": "Draw(bytes32 channelId,uint128 amount,bytes32 nonce,uint64 deadline)",
    "Relay": "Relay(address account,bytes[] calls,bytes32 nonce,uint64 deadline)",
    "NodeKey": "NodeKey(address provider,address node)",
}


def charges():
    greatest = 2**64 - 1
    rows = [
        ([0, 0, 0], [5, 5, 5]), ([1, 0, 0], [1, 0, 0]), ([1, 0, 0], [1_000_000, 0, 0]), ([1, 0, 0], [1_000_001, 0, 0]),
        ([150_000, 75_000, 600_000], [1234, 512, 789]), ([150_000, 75_000, 600_000], [0, 0, 1]),
        ([999_999, 1, 1], [1, 1, 0]), ([999_999, 1, 1], [1, 1, 1]), ([2**62 - 1] * 3, [greatest] * 3),
        ([2**62, 0, 0], [greatest, 0, 0]), ([2**83, 2**83, 2**83], [1_000_000, 999_999, 2**31]),
        ([2**128 - 1, 0, 0], [1_000_000, 0, 0]), ([2**128 - 1, 0, 0], [999_999, 0, 0]),
        ([2**128 - 1, 0, 1], [1_000_000, 0, 1]), ([2**128 - 1] * 3, [greatest] * 3),
    ]
    for prices, tokens in rows:
        total = hashing.charge(prices, tokens)
        yield {"prices": [str(p) for p in prices], "tokens": [str(t) for t in tokens],
               "charge": str(total) if total < 2**128 else None}


def decimals():
    for units, places in [(0, 6), (1, 6), (1_500_000, 6), (123_456_789, 6), (10**18, 18), (1, 18), (7, 0),
                          (1_000_000, 6), (2**128 - 1, 18), (2**128 - 1, 38), (10, 1)]:
        yield {"units": str(units), "decimals": places, "decimal": hashing.to_decimal(units, places)}


def _signed(kind, domain, value, secret, shown):
    type_string = ESCROW_TYPES[kind]
    struct_hash = eip712.struct_hash(type_string, value)
    digest = eip712.digest(domain, struct_hash)
    return {"type": type_string, "message": shown, "struct_hash": hex_of(struct_hash), "digest": hex_of(digest),
            "signature": hex_of(secp256k1.sign(secret, digest))}


def channels():
    chain_id, escrow, vault, registry = 31337, label("escrow", 20), label("vault", 20), label("registry", 20)
    domain = eip712.separator("x402 Batch Settlement", "1", chain_id, escrow)
    hot, authorizer, node = key_of("hot"), key_of("authorizer"), key_of("node")
    config = {"payer": vault, "payerAuthorizer": secp256k1.address(hot), "receiver": label("payout", 20),
              "receiverAuthorizer": secp256k1.address(authorizer), "token": label("currency", 20),
              "withdrawDelay": 3600, "salt": label("salt", 32)}
    struct_hash = eip712.struct_hash(ESCROW_TYPES["ChannelConfig"], config)
    channel = eip712.digest(domain, struct_hash)
    rows = [(channel, 900_000, 850_000), (label("other channel", 32), 2**128 - 1, 1)]
    calls = [b"", b"\x01\x02\x03\x04", label("call", 68)]
    vault_domain = eip712.separator("Souk", "1", chain_id, vault)
    registry_domain = eip712.separator("Souk", "1", chain_id, registry)
    account = secp256k1.address(hot)
    return {
        "chain_id": chain_id, "escrow": secp256k1.checksum(escrow), "vault": secp256k1.checksum(vault),
        "registry": secp256k1.checksum(registry),
        "keys": {name: {"private_key": hex_of(key_of(name).to_bytes(32, "big")),
                        "address": secp256k1.checksum(secp256k1.address(key_of(name)))}
                 for name in ("hot", "authorizer", "node")},
        "escrow_separator": hex_of(domain),
        "channel": {
            "type": ESCROW_TYPES["ChannelConfig"],
            "config": {
                "payer": secp256k1.checksum(config["payer"]),
                "payer_authorizer": secp256k1.checksum(config["payerAuthorizer"]),
                "receiver": secp256k1.checksum(config["receiver"]),
                "receiver_authorizer": secp256k1.checksum(config["receiverAuthorizer"]),
                "token": secp256k1.checksum(config["token"]),
                "withdraw_delay": config["withdrawDelay"], "salt": hex_of(config["salt"])},
            "struct_hash": hex_of(struct_hash), "id": hex_of(channel)},
        "voucher": _signed("Voucher", domain, {"channelId": channel, "maxClaimableAmount": 900_000}, hot,
                           {"channel_id": hex_of(channel), "max_claimable": "900000"}),
        "claim_batch": _signed(
            "ClaimBatch", domain,
            {"claims": [{"channelId": c, "maxClaimableAmount": m, "totalClaimed": t} for c, m, t in rows]}, authorizer,
            [{"channel_id": hex_of(c), "max_claimable": str(m), "total_claimed": str(t)} for c, m, t in rows]),
        "refund": _signed("Refund", domain, {"channelId": channel, "nonce": 3, "amount": 50_000}, authorizer,
                          {"channel_id": hex_of(channel), "nonce": "3", "amount": "50000"}),
        "draw": _signed(
            "Draw", vault_domain,
            {"channelId": channel, "amount": 5_000_000, "nonce": label("draw", 32), "deadline": 1_790_000_000}, hot,
            {"channel_id": hex_of(channel), "amount": "5000000", "nonce": hex_of(label("draw", 32)),
             "deadline": 1_790_000_000}),
        "relay": _signed(
            "Relay", vault_domain,
            {"account": account, "calls": calls, "nonce": label("relay", 32), "deadline": 1_790_000_001}, hot,
            {"account": secp256k1.checksum(account), "calls": [hex_of(c) for c in calls],
             "nonce": hex_of(label("relay", 32)), "deadline": 1_790_000_001}),
        "node_key": _signed(
            "NodeKey", registry_domain, {"provider": label("provider", 20), "node": secp256k1.address(node)}, node,
            {"provider": secp256k1.checksum(label("provider", 20)),
             "node": secp256k1.checksum(secp256k1.address(node))}),
    }
