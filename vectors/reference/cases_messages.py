"""Vectors of Souk's signed messages, in their JSON form."""

from . import eip712, secp256k1
from .sampling import to_bits
from .text import hex_of, key_of, label

SAMPLING = ("Sampling(uint64 temperature,uint64 topP,uint32 topK,uint64 minP,uint64 frequencyPenalty,"
            "uint64 presencePenalty,bool seeded,int64 seed)")
OFFER = ("Offer(address provider,bytes32 modelDigest,bytes32 weightsRoot,bytes32 tokenizerRoot,bytes32 templateRoot,"
         "string numerics,string publicName,uint128 inputPrice,uint128 cachedPrice,uint128 outputPrice,uint32 context,"
         "uint32 maxOutput,uint32 sliceLeast,uint32 sliceGreatest,string[] features,uint32 concurrency,string region,"
         "string hardware,string engine,string sampler,string counting,string dataPolicy,string endpoint,"
         "bytes32 spkiHash,address escrow,address currency,address payout,address authorizer,uint40 withdrawDelay,"
         "uint128 minimumDeposit,uint64 sequence,uint64 issuedAt,uint64 expiry,bytes32 heartbeatAnchor)")
ACCEPTANCE = "Acceptance(bytes32 channelId,uint128 charged,uint64 index,bytes32 nonceAnchor,uint64 issuedAt)"
RECEIPT = ("Receipt(bytes16 requestId,uint64 index,bytes32 channelId,bytes32 offerHash,bytes32 modelDigest,"
           "bytes32 requestCommitment,bytes32 promptCommitment,bytes32 outputCommitment,bytes32 gatewayNonce,"
           "bytes32 providerNonce,string keySource,Sampling sampling,uint64 inputTokens,uint64 cachedTokens,"
           "uint64 outputTokens,uint128 charge,uint128 cumulative,string finishReason,uint64 startedAtMs,"
           "uint64 firstTokenAtMs,uint64 endedAtMs,bytes32 fingerprintRoot)" + SAMPLING)
CATALOGUE = ("Catalogue(string name,uint64 version,uint64 expiry,CatalogueEntry[] entries)"
             "CatalogueEntry(string name,bytes32[] digests)")


def _snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def _json(type_string, value):
    """A message's JSON form, from its EIP-712 members."""
    members = [m.split(" ") for m in type_string[type_string.index("(") + 1:type_string.index(")")].split(",")]
    shown = {}
    for kind, name in members:
        item = value[name]
        if kind == "address":
            item = secp256k1.checksum(item)
        elif kind == "bytes16":
            item = item.hex()
        elif kind == "bytes32":
            item = hex_of(item)
        elif kind == "uint128":
            item = str(item)
        shown[_snake(name)] = item
    return shown


def _signed(type_string, value, shown, domain, secret):
    struct_hash = eip712.struct_hash(type_string, value)
    digest = eip712.digest(domain, struct_hash)
    return {"type": type_string, "message": shown, "struct_hash": hex_of(struct_hash), "digest": hex_of(digest),
            "signature": hex_of(secp256k1.sign(secret, digest))}


def _offer(**changes):
    value = {
        "provider": label("provider", 20), "modelDigest": label("model", 32), "weightsRoot": label("weights", 32),
        "tokenizerRoot": label("tokenizer", 32), "templateRoot": label("template", 32),
        "numerics": "w=bf16,a=bf16,kv=bf16", "publicName": "llama-3.1-8b", "inputPrice": 150_000,
        "cachedPrice": 75_000, "outputPrice": 600_000, "context": 131_072, "maxOutput": 8192, "sliceLeast": 64,
        "sliceGreatest": 2048, "features": ["json", "seed", "tools"], "concurrency": 8, "region": "eu-west",
        "hardware": "2x RTX 4090", "engine": "souk-onnx/1", "sampler": "souk-gumbel-1", "counting": "ids",
        "dataPolicy": "none kept", "endpoint": "https://node.example:8443", "spkiHash": label("spki", 32),
        "escrow": label("escrow", 20), "currency": label("currency", 20), "payout": label("payout", 20),
        "authorizer": label("authorizer", 20), "withdrawDelay": 3600, "minimumDeposit": 1_000_000, "sequence": 7,
        "issuedAt": 1_780_000_000, "expiry": 1_780_000_600, "heartbeatAnchor": label("anchor", 32)}
    return value | changes


def _receipt(offer_hash, sampling, **changes):
    value = {
        "requestId": label("request", 16), "index": 12, "channelId": label("channel", 32), "offerHash": offer_hash,
        "modelDigest": label("model", 32), "requestCommitment": label("body", 32),
        "promptCommitment": label("prompt", 32), "outputCommitment": label("output", 32),
        "gatewayNonce": label("gateway nonce", 32), "providerNonce": label("provider nonce", 32),
        "keySource": "two-party", "inputTokens": 1234, "cachedTokens": 512, "outputTokens": 789, "charge": 697,
        "cumulative": 10_697, "finishReason": "stop", "startedAtMs": 1_780_000_100_123,
        "firstTokenAtMs": 1_780_000_100_456, "endedAtMs": 1_780_000_109_999, "fingerprintRoot": bytes(32)} | changes
    fractions = ("temperature", "topP", "minP", "frequencyPenalty", "presencePenalty")
    value["sampling"] = {name: to_bits(float(sampling[name]) + 0.0) for name in fractions} | {
        "topK": sampling["topK"], "seeded": sampling["seed"] is not None, "seed": sampling["seed"] or 0}
    shown = _json(RECEIPT, value)
    shown["sampling"] = {_snake(name): item for name, item in sampling.items()}
    if sampling["seed"] is not None:
        shown["sampling"]["seed"] = str(sampling["seed"])
    return value, shown


def messages():
    chain_id, registry = 31337, label("registry", 20)
    domain, secret = eip712.separator("Souk", "1", chain_id, registry), key_of("node")
    offers = [_offer(), _offer(
        features=[], concurrency=0, region="", hardware="", sampler="", counting="usage", numerics="", publicName="Ünïcode ☃ 模型",
        inputPrice=0, cachedPrice=0, outputPrice=2**128 - 1, spkiHash=bytes(32), endpoint="http://127.0.0.1:8080")]
    signed_offers = [_signed(OFFER, value, _json(OFFER, value), domain, secret) for value in offers]
    offer_hash = bytes.fromhex(signed_offers[0]["digest"][2:])
    plain = {"temperature": 0.7, "topP": 0.95, "topK": 40, "minP": 0.05, "frequencyPenalty": 0.5,
             "presencePenalty": -0.25, "seed": None}
    seeded = {"temperature": 1, "topP": 1, "topK": 0, "minP": -0.0, "frequencyPenalty": 0, "presencePenalty": 0,
              "seed": -9007199254740991}
    receipts = [_receipt(offer_hash, plain), _receipt(
        offer_hash, seeded, keySource="app seed", outputCommitment=bytes(32), charge=0, firstTokenAtMs=0,
        finishReason="error", fingerprintRoot=label("fingerprints", 32))]
    acceptance = {"channelId": label("channel", 32), "charged": 10_000, "index": 0,
                  "nonceAnchor": label("nonce anchor", 32), "issuedAt": 1_780_000_050}
    entries = [("llama-3.1-8b", [label("model", 32), label("model 2", 32)]), ("qwen3-4b", [label("model 3", 32)])]
    catalogue = {"name": "example", "version": 3, "expiry": 1_790_000_000,
                 "entries": [{"name": name, "digests": digests} for name, digests in entries]}
    shown = {"name": "example", "version": 3, "expiry": 1_790_000_000,
             "entries": [{"name": name, "digests": [hex_of(d) for d in digests]} for name, digests in entries]}
    return {
        "chain_id": chain_id, "registry": secp256k1.checksum(registry), "separator": hex_of(domain),
        "private_key": hex_of(secret.to_bytes(32, "big")), "address": secp256k1.checksum(secp256k1.address(secret)),
        "offers": signed_offers,
        "receipts": [_signed(RECEIPT, value, text, domain, secret) for value, text in receipts],
        "acceptances": [_signed(ACCEPTANCE, acceptance, _json(ACCEPTANCE, acceptance), domain, secret)],
        "catalogues": [_signed(CATALOGUE, catalogue, shown, domain, secret)],
    }
