// Writes vectors/contracts/digests.json with viem, an implementation that shares nothing with ours; with --check fails
// when the committed file differs. Solidity and C# tests read it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import {
  encodeAbiParameters,
  encodeFunctionData,
  getAddress,
  hashTypedData,
  keccak256,
  pad,
  parseAbi,
  toHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { artifact, specification } from "./chain.mjs";

const file = new URL("../../../vectors/contracts/digests.json", import.meta.url);
const chainId = 31337;
const keys = { voucherSigner: word(0x102), authorizer: word(0x103), owner: word(0x104), node: word(0x107) };
const account = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, privateKeyToAccount(key)]));
const escrow = specification.canonical.BatchSettlement;
const vault = address(0xa001);
const registry = address(0xa002);
const provider = address(0xa003);

const config = {
  payer: vault,
  payerAuthorizer: account.voucherSigner.address,
  receiver: address(0xa004),
  receiverAuthorizer: account.authorizer.address,
  token: address(0xa005),
  withdrawDelay: 3600,
  salt: word(7),
};
const types = Object.assign(
  {},
  ...[
    specification.types.CHANNEL_CONFIG_TYPEHASH,
    specification.types.VOUCHER_TYPEHASH,
    specification.types.REFUND_TYPEHASH,
    "ClaimBatch(ClaimEntry[] claims)",
    specification.types.CLAIM_ENTRY_TYPEHASH,
    "Draw(bytes32 channelId,uint128 amount,bytes32 nonce,uint64 deadline)",
    "Relay(address account,bytes[] calls,bytes32 nonce,uint64 deadline)",
    "NodeKey(address provider,address node)",
  ].map(parseType),
);

const channelId = hash(escrow, "ChannelConfig", config);
const claims = [{ channelId, maxClaimableAmount: 5_000_000n, totalClaimed: 4_000_000n }];
const ownerActions = parseAbi([
  "function addHotKey(address key, uint128 cap)",
  "function withdraw(address token, uint256 amount)",
]);
const calls = [
  encodeFunctionData({ abi: ownerActions, functionName: "addHotKey", args: [address(0xa006), 9n] }),
  encodeFunctionData({ abi: ownerActions, functionName: "withdraw", args: [config.token, 5n] }),
];
const inTime = { nonce: word(8), deadline: 1_900_000_000n };
const draw = await signed(vault, "Draw", { channelId, amount: 100_000_000n, ...inTime }, "voucherSigner");
const encodeDraw = artifact("CustomerVault").abi.find((item) => item.name === "encodeDraw");
draw.collectorData = encodeAbiParameters(encodeDraw.inputs, [{ config, ...inTime, signature: draw.signature }]);

const vectors = {
  about: "Digests, signatures and encodings of the contracts; SOURCES says how they were made.",
  chainId,
  escrow,
  vault,
  registry,
  keys,
  channel: { ...config, id: channelId },
  voucher: await signed(escrow, "Voucher", { channelId, maxClaimableAmount: 5_000_000n }, "voucherSigner"),
  refund: await signed(escrow, "Refund", { channelId, nonce: 3n, amount: 250_000n }, "authorizer"),
  claimBatch: await signed(escrow, "ClaimBatch", { claims }, "authorizer"),
  draw,
  relay: await signed(vault, "Relay", { account: account.owner.address, calls, ...inTime }, "owner"),
  nodeKey: await signed(registry, "NodeKey", { provider, node: account.node.address }, "node"),
  depositNonce: { channelId, salt: word(10), nonce: keccak256(channelId + word(10).slice(2)) },
  stakeNonce: { provider, salt: word(11), nonce: keccak256(pad(provider) + word(11).slice(2)) },
};

const text = JSON.stringify(vectors, (_, value) => (typeof value === "bigint" ? value.toString() : value), 2) + "\n";
if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
  console.error('vectors/contracts/digests.json is stale. Run "npm run vectors" in contracts/test/node.');
  process.exit(1);
}

async function signed(contract, primaryType, message, signer) {
  const data = typedData(contract, primaryType, message);
  return {
    message,
    signer: account[signer].address,
    digest: hashTypedData(data),
    signature: await account[signer].signTypedData(data),
  };
}

function hash(contract, primaryType, message) {
  return hashTypedData(typedData(contract, primaryType, message));
}

function typedData(verifyingContract, primaryType, message) {
  const domain = contract(verifyingContract);
  return { domain: { ...domain, chainId, verifyingContract }, types, primaryType, message };
}

function contract(verifyingContract) {
  return verifyingContract === escrow ? specification.domain : { name: "Souk", version: "1" };
}

function parseType(text) {
  const [, name, fields] = text.match(/^(\w+)\((.*)\)$/);
  return { [name]: fields.split(",").map((field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] })) };
}

function word(value) {
  return toHex(value, { size: 32 });
}

function address(value) {
  return getAddress(toHex(value, { size: 20 }));
}
