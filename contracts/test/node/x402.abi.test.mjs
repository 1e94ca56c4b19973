// Our escrow and collector against what @x402/evm calls and against the public specification, in both directions.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { keccak256, parseAbi, toEventSelector, toFunctionSelector, toHex } from "viem";
import { formatAbiItem } from "viem/utils";
import { artifact, specification } from "./chain.mjs";

// Not among the package's exports, so found by what it says.
const client = await importChunkWith("batchSettlementABI");
const constants = await importChunkWith("BATCH_SETTLEMENT_DOMAIN");
const ours = artifact("BatchSettlement").abi.filter((item) => item.type !== "constructor");

// What the client never calls: constants, the domain (ERC-5267), and every event but Settled.
const beyondClient = [
  "MIN_WITHDRAW_DELAY",
  "MAX_WITHDRAW_DELAY",
  "VOUCHER_TYPEHASH",
  "REFUND_TYPEHASH",
  "CLAIM_ENTRY_TYPEHASH",
  "CLAIM_BATCH_TYPEHASH",
  "eip712Domain",
  "ChannelCreated",
  "ChannelClosed",
  "Deposited",
  "Claimed",
  "Refunded",
  "WithdrawInitiated",
  "WithdrawFinalized",
];
// What our OpenZeppelin version adds to the specification: errors of its libraries and the domain's event.
const beyondSpecification = {
  BatchSettlement: [
    "error AddressEmptyCode(address)",
    "error ECDSAInvalidSignature()",
    "error ECDSAInvalidSignatureLength(uint256)",
    "error ECDSAInvalidSignatureS(bytes32)",
    "error FailedCall()",
    "error InvalidShortString()",
    "error ReentrancyGuardReentrantCall()",
    "error SafeERC20FailedOperation(address)",
    "error StringTooLong(string)",
    "event EIP712DomainChanged()",
  ],
  Erc3009DepositCollector: ["error SafeERC20FailedOperation(address)"],
};
// What the specification has and we do not have yet.
const missing = ["Permit2DepositCollector"];

test("Everything the client calls or reads is ours, to the last name", () => {
  for (const theirs of client.batchSettlementABI) {
    const twin = ours.find((item) => id(item) === id(theirs));
    assert.ok(twin, `missing ${formatAbiItem(theirs)}`);
    assert.deepEqual(shape(twin), shape(theirs));
  }
});

test("What we have beyond the client is listed", () => {
  const known = new Set(client.batchSettlementABI.map(id));
  const beyond = ours.filter((item) => item.type !== "error" && !known.has(id(item))).map((item) => item.name);
  const listed = [...beyondClient, "EIP712DomainChanged"];
  assert.deepEqual(beyond.sort(), listed.sort());
});

for (const name of ["BatchSettlement", "Erc3009DepositCollector"]) {
  test(`${name} equals the specification, both ways`, () => {
    const abi = artifact(name).abi.filter((item) => item.type !== "constructor");
    const specified = parseAbi(specification[name]);
    for (const item of specified) {
      const twin = abi.find((other) => id(other) === id(item));
      assert.ok(twin, `missing ${formatAbiItem(item)}`);
      assert.deepEqual(shape(twin), shape(item));
    }
    const known = new Set(specified.map(id));
    const beyond = abi.filter((item) => !known.has(id(item))).map((item) => `${item.type} ${formatAbiItem(item)}`);
    assert.deepEqual(beyond.sort(), [...beyondSpecification[name]].sort());
  });
}

test("The client's EIP-712 types and domain are those of the specification", () => {
  const { CHANNEL_CONFIG_TYPEHASH, VOUCHER_TYPEHASH, REFUND_TYPEHASH, CLAIM_BATCH_TYPEHASH } = specification.types;
  assert.deepEqual({ ...constants.BATCH_SETTLEMENT_DOMAIN }, specification.domain);
  assert.equal(encodeType("Voucher", constants.voucherTypes), VOUCHER_TYPEHASH);
  assert.equal(encodeType("Refund", constants.refundTypes), REFUND_TYPEHASH);
  assert.equal(encodeType("ClaimBatch", constants.claimBatchTypes), CLAIM_BATCH_TYPEHASH);
  const config = client.batchSettlementABI.find((item) => item.name === "getChannelId").inputs[0].components;
  assert.equal(encodeType("ChannelConfig", { ChannelConfig: config }), CHANNEL_CONFIG_TYPEHASH);
});

test("Bounds and canonical addresses are the client's", () => {
  assert.equal(constants.MIN_WITHDRAW_DELAY, 15 * 60);
  assert.equal(constants.MAX_WITHDRAW_DELAY, 30 * 24 * 3600);
  assert.equal(constants.BATCH_SETTLEMENT_ADDRESS, specification.canonical.BatchSettlement);
  assert.equal(constants.ERC3009_DEPOSIT_COLLECTOR_ADDRESS, specification.canonical.Erc3009DepositCollector);
  assert.equal(constants.PERMIT2_DEPOSIT_COLLECTOR_ADDRESS, specification.canonical.Permit2DepositCollector);
  const have = ["BatchSettlement", "Erc3009DepositCollector"];
  assert.deepEqual(
    Object.keys(specification.canonical).filter((name) => !have.includes(name)),
    missing,
  );
});

test("The runtime code names the type hashes that it must", () => {
  const { bytecode } = artifact("BatchSettlement");
  for (const [name, text] of Object.entries(specification.types)) {
    assert.ok(bytecode.includes(keccak256(toHex(text)).slice(2)), name);
  }
});

// Selector, topic or error selector, with the kind: what a chain compares.
function id(item) {
  if (item.type === "event") return `event ${toEventSelector(item)}`;
  return `${item.type} ${toFunctionSelector(formatAbiItem(item))}`;
}

// Names, types, mutability and indexing; without the compiler's internal types.
function shape(item) {
  const field = ({ name = "", type, components, indexed }) => ({
    name,
    type,
    components: components?.map(field),
    indexed: Boolean(indexed),
  });
  return {
    type: item.type,
    name: item.name,
    inputs: (item.inputs ?? []).map(field),
    outputs: item.type === "function" ? (item.outputs ?? []).map(field) : undefined,
    stateMutability: item.stateMutability,
  };
}

function encodeType(primary, types) {
  const one = (name) => `${name}(${types[name].map((field) => `${field.type} ${field.name}`).join(",")})`;
  const others = Object.keys(types)
    .filter((name) => name !== primary)
    .sort();
  return [primary, ...others].map(one).join("");
}

async function importChunkWith(name) {
  const folder = new URL("node_modules/@x402/evm/dist/esm/", import.meta.url);
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith(".mjs"))) {
    const text = readFileSync(new URL(file, folder), "utf8");
    const exported = text.slice(text.lastIndexOf("export {"));
    if (text.includes(`var ${name} =`) && exported.includes(name)) return import(new URL(file, folder));
  }
  throw new Error(`@x402/evm has no ${name}`);
}
