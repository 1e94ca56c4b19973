// An unchanged x402 client and facilitator pay through our escrow, put where they expect the canonical one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  BatchSettlementEvmScheme as Client,
  computeChannelId,
  createBatchSettlementEIP3009DepositPayload,
  signVoucher,
} from "@x402/evm/batch-settlement/client";
import { BatchSettlementEvmScheme as Facilitator } from "@x402/evm/batch-settlement/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { encodeAbiParameters, getAddress, getCreate2Address, concatHex, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import {
  addresses,
  artifact,
  constructorArguments,
  deploy,
  deployAll,
  deployer,
  relayer,
  salt,
  specification,
  startChain,
} from "./chain.mjs";

const payer = privateKeyToAccount("0x" + "11".repeat(32));
const voucherSigner = privateKeyToAccount("0x" + "22".repeat(32));
const authorizer = privateKeyToAccount("0x" + "33".repeat(32));
const receiver = getAddress("0x" + "44".repeat(20));
const network = "eip155:31337";
const canonical = specification.canonical;
const currency = getAddress(addresses.DevelopmentCurrency);

const config = {
  payer: payer.address,
  payerAuthorizer: voucherSigner.address,
  receiver,
  receiverAuthorizer: authorizer.address,
  token: currency,
  withdrawDelay: 900,
  salt: "0x" + "00".repeat(32),
};
const requirements = {
  scheme: "batch-settlement",
  network,
  amount: "1000",
  asset: currency,
  payTo: receiver,
  maxTimeoutSeconds: 3600,
  extra: { receiverAuthorizer: authorizer.address, withdrawDelay: 900, name: "Souk Development Dollar", version: "1" },
};

let chain, facilitator;

before(async () => {
  chain = await startChain();
  await deployAll(chain.client);
  await placeAtCanonicalAddresses();
  await write(currency, "DevelopmentCurrency", "mint", [payer.address, 10_000_000n]);
  const signer = toFacilitatorEvmSigner({
    address: relayer.address,
    readContract: (call) => (call.functionName === "tryAggregate" ? aggregate(call) : chain.client.readContract(call)),
    verifyTypedData: (message) => chain.client.verifyTypedData(message),
    writeContract: (call) => chain.client.writeContract(call),
    sendTransaction: (transaction) => chain.client.sendTransaction(transaction),
    waitForTransactionReceipt: (query) => chain.client.waitForTransactionReceipt(query),
    getCode: (query) => chain.client.getCode(query),
  });
  facilitator = new Facilitator(signer, authorizer);
});

after(() => chain?.stop());

test("CREATE2 puts every contract at its published address", async () => {
  for (const [name, needs] of Object.entries(constructorArguments)) {
    const encoded = encodeAbiParameters(
      needs.map(() => ({ type: "address" })),
      needs.map((other) => addresses[other]),
    );
    const bytecodeHash = keccak256(concatHex([artifact(name).bytecode, encoded]));
    assert.equal(getCreate2Address({ from: deployer, salt, bytecodeHash }).toLowerCase(), addresses[name], name);
    assert.ok(await chain.client.getCode({ address: addresses[name] }), name);
  }
});

test("The client computes the channel ids that the escrow does", async () => {
  assert.equal(await read("getChannelId", [config]), computeChannelId(config, network));
});

test("A deposit, claims, settlement and a refund go through", async (t) => {
  const channelId = computeChannelId(config, network);

  await t.test("deposit", async () => {
    const made = await depositTo(config);
    const payload = { accepted: requirements, ...made };
    const verdict = await facilitator.verify(payload, requirements);
    assert.equal(verdict.isValid, true, JSON.stringify(verdict));
    const result = await facilitator.settle(payload, requirements);
    assert.equal(result.success, true, JSON.stringify(result));
    assert.deepEqual(await read("channels", [channelId]), [100000n, 0n]);
  });

  await t.test("voucher", async () => {
    const voucher = await signVoucher(voucherSigner, channelId, "5000", network);
    const payload = {
      x402Version: 2,
      accepted: requirements,
      payload: { type: "voucher", channelConfig: config, voucher },
    };
    const verdict = await facilitator.verify(payload, requirements);
    assert.equal(verdict.isValid, true, JSON.stringify(verdict));
    assert.equal(verdict.extra.balance, "100000");
  });

  await t.test("claim", async () => {
    const voucher = await signVoucher(voucherSigner, channelId, "5000", network);
    const claims = [claim(config, voucher, "4000")];
    const result = await settle({ type: "claim", claims });
    assert.equal(result.success, true, JSON.stringify(result));
    assert.deepEqual(await read("channels", [channelId]), [100000n, 4000n]);
  });

  await t.test("settle", async () => {
    const result = await settle({ type: "settle", receiver, token: currency });
    assert.equal(result.success, true, JSON.stringify(result));
    assert.equal(result.amount, "4000");
    assert.equal(await balanceOf(receiver), 4000n);
  });

  await t.test("refund", async () => {
    const voucher = await signVoucher(voucherSigner, channelId, "6000", network);
    const claims = [claim(config, voucher, "6000")];
    const result = await settle({
      type: "refund",
      channelConfig: config,
      voucher,
      amount: "94000",
      refundNonce: "0",
      claims,
    });
    assert.equal(result.success, true, JSON.stringify(result));
    assert.equal(result.amount, "94000");
    assert.deepEqual(await read("channels", [channelId]), [6000n, 6000n]);
    assert.equal(await balanceOf(payer.address), 10_000_000n - 6000n);
  });
});

test("A forged voucher does not", async () => {
  const channelId = computeChannelId(config, network);
  const voucher = await signVoucher(payer, channelId, "6000", network);
  const fresh = { ...config, salt: "0x" + "01".repeat(32) };
  const deposit = await depositTo(fresh);
  assert.equal((await facilitator.settle({ accepted: requirements, ...deposit }, requirements)).success, true);
  const result = await settle({ type: "claim", claims: [claim(fresh, voucher, "6000")] });
  assert.equal(result.success, false);
  assert.match(result.errorMessage, /InvalidSignature|0x8baa579f/);
});

test("The client's own scheme tops its channel up from a 402", async () => {
  const [before] = await read("channels", [computeChannelId(config, network)]);
  const scheme = new Client({ ...payer, readContract: (call) => chain.client.readContract(call) }, { voucherSigner });
  const made = await scheme.createPaymentPayload(2, { ...requirements, amount: "2000" });
  const payload = { accepted: requirements, ...made };
  assert.equal(made.payload.type, "deposit");
  const result = await facilitator.settle(payload, { ...requirements, amount: "2000" });
  assert.equal(result.success, true, JSON.stringify(result));
  const [balance] = await read("channels", [computeChannelId(made.payload.channelConfig, network)]);
  assert.equal(balance - before, BigInt(made.payload.deposit.amount));
});

// The escrow's code runs anywhere. The collector carries its escrow's address, so one made for the canonical escrow is
// copied.
async function placeAtCanonicalAddresses() {
  await copyCode(addresses.BatchSettlement, canonical.BatchSettlement);
  const escrow = encodeAbiParameters([{ type: "address" }], [canonical.BatchSettlement]);
  await deploy(chain.client, "Erc3009DepositCollector", escrow);
  const bytecodeHash = keccak256(concatHex([artifact("Erc3009DepositCollector").bytecode, escrow]));
  await copyCode(getCreate2Address({ from: deployer, salt, bytecodeHash }), canonical.Erc3009DepositCollector);
}

async function copyCode(from, to) {
  await chain.client.setCode({ address: to, bytecode: await chain.client.getCode({ address: from }) });
}

// The facilitator reads through Multicall3, which a fresh anvil does not have.
function aggregate({ args: [, calls] }) {
  return Promise.all(
    calls.map(async ({ target, callData }) => {
      const { data } = await chain.client.call({ to: target, data: callData });
      return { success: true, returnData: data };
    }),
  );
}

function depositTo(channel) {
  return createBatchSettlementEIP3009DepositPayload(payer, 2, requirements, channel, "100000", "1000", voucherSigner);
}

function claim(channel, { maxClaimableAmount, signature }, totalClaimed) {
  return { voucher: { channel, maxClaimableAmount }, signature, totalClaimed };
}

function settle(payload) {
  return facilitator.settle({ x402Version: 2, accepted: requirements, payload }, requirements);
}

function read(functionName, args) {
  return chain.client.readContract({
    address: canonical.BatchSettlement,
    abi: artifact("BatchSettlement").abi,
    functionName,
    args,
  });
}

function balanceOf(account) {
  return chain.client.readContract({
    address: currency,
    abi: artifact("DevelopmentCurrency").abi,
    functionName: "balanceOf",
    args: [account],
  });
}

async function write(address, name, functionName, args) {
  const hash = await chain.client.writeContract({ address, abi: artifact(name).abi, functionName, args });
  await chain.client.waitForTransactionReceipt({ hash });
}
