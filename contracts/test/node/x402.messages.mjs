// Writes vectors/x402/messages.json: what the unmodified x402 packages put on the wire as client and as server, for
// readers that share no code with them. Signatures and times differ from run to run, so the file is not compared, only read.
import { writeFileSync } from "node:fs";
import { x402Client, x402HTTPClient } from "@x402/core/client";
import { x402HTTPResourceServer, x402ResourceServer } from "@x402/core/server";
import { BatchSettlementEvmScheme as Client } from "@x402/evm/batch-settlement/client";
import { BatchSettlementEvmScheme as Server } from "@x402/evm/batch-settlement/server";
import { privateKeyToAccount } from "viem/accounts";
import { addresses } from "./chain.mjs";

const network = "eip155:31337";
const payer = privateKeyToAccount("0x" + "11".repeat(32));
const voucherSigner = privateKeyToAccount("0x" + "22".repeat(32));
const authorizer = privateKeyToAccount("0x" + "33".repeat(32));
const receiver = "0x" + "44".repeat(20);
const asset = addresses.DevelopmentCurrency;
const chain = { balance: 0n, totalClaimed: 0n };

// Stands for the chain alone; everything that is written down below comes from the packages.
const facilitator = {
  async getSupported() {
    const extra = { receiverAuthorizer: authorizer.address };
    const kind = { x402Version: 2, scheme: "batch-settlement", network, extra };
    return { kinds: [kind], extensions: [], signers: { "eip155:*": [authorizer.address] } };
  },
  async verify({ payload }) {
    chain.balance += BigInt(payload.deposit?.amount ?? 0);
    return { isValid: true, payer: payer.address, extra: snapshot(payload) };
  },
  async settle({ payload }) {
    const amount = payload.deposit?.amount ?? payload.amount ?? "";
    if (payload.type === "refund") chain.balance -= BigInt(amount);
    const extra = { channelState: snapshot(payload) };
    return { success: true, transaction: "0x" + "ab".repeat(32), network, payer: payer.address, amount, extra };
  },
};

const server = new x402ResourceServer(facilitator);
const serverScheme = new Server(receiver, { receiverAuthorizerSigner: authorizer, withdrawDelay: 900 });
server.register(network, serverScheme);
const price = { asset, amount: "1000", extra: { name: "Souk Development Dollar", version: "1" } };
const accepts = { scheme: "batch-settlement", network, payTo: receiver, price, maxTimeoutSeconds: 3600 };
const priced = { accepts, description: "Beyond ASCII: ü, 市場", mimeType: "text/plain" };
const http = new x402HTTPResourceServer(server, { "/priced": priced });
await http.initialize();

const written = [];
const first = newClient();
await buy(first, "deposit");
await buy(first, "voucher");
await buy(newClient(), "voucher of a client that lost its state");
await buy(first, "voucher after another client's");
await refund(first, "1500", "partial refund");
await refund(first, undefined, "full refund");
writeFileSync(new URL("../../../vectors/x402/messages.json", import.meta.url), JSON.stringify(written, null, 1) + "\n");

function newClient() {
  const signer = { ...payer, readContract: async () => [chain.balance, chain.totalClaimed] };
  const scheme = new Client(signer, { voucherSigner });
  const client = new x402Client().register(network, scheme).setSpendControls(false);
  return { http: new x402HTTPClient(client), scheme };
}

async function buy({ http: client }, name) {
  const unpaid = await ask("POST");
  note(name, "required", unpaid.headers["PAYMENT-REQUIRED"]);
  const required = client.getPaymentRequiredResponse((header) => unpaid.headers[header]);
  for (let attempt = 1; attempt <= 2; attempt++) {
    const payment = client.encodePaymentSignatureHeader(await client.createPaymentPayload(required));
    note(name, "payment", payment["PAYMENT-SIGNATURE"]);
    const paid = await ask("POST", payment["PAYMENT-SIGNATURE"]);
    note(name, "required", paid.headers["PAYMENT-REQUIRED"]);
    note(name, "response", paid.headers["PAYMENT-RESPONSE"]);
    const decoded = JSON.parse(Buffer.from(payment["PAYMENT-SIGNATURE"], "base64"));
    const result = await client.processPaymentResult(decoded, (header) => paid.headers[header], paid.status);
    if (!result.recovered) return;
  }
}

function refund({ scheme }, amount, name) {
  return scheme.refund("https://souk.example/priced", {
    ...(amount ? { amount } : {}),
    fetch: async (_, { headers }) => {
      const payment = headers && (headers["PAYMENT-SIGNATURE"] ?? headers.get?.("PAYMENT-SIGNATURE"));
      note(name, "payment", payment);
      const answer = await ask("GET", payment);
      note(name, "required", answer.headers["PAYMENT-REQUIRED"]);
      note(name, "response", answer.headers["PAYMENT-RESPONSE"]);
      return new Response("{}", answer);
    },
  });
}

async function ask(method, paymentHeader) {
  const adapter = {
    getHeader: (name) => (name.toLowerCase() === "payment-signature" ? paymentHeader : undefined),
    getMethod: () => method,
    getPath: () => "/priced",
    getUrl: () => "https://souk.example/priced",
    getAcceptHeader: () => "application/json",
    getUserAgent: () => "",
  };
  const context = { adapter, path: "/priced", method, paymentHeader };
  const result = await http.processHTTPRequest(context);
  if (result.type === "payment-error") return { status: result.response.status, headers: result.response.headers };
  const { paymentPayload, paymentRequirements, declaredExtensions } = result;
  const transport = { request: context };
  const settled = await http.processSettlement(paymentPayload, paymentRequirements, declaredExtensions, transport);
  if (!settled.success) throw new Error(JSON.stringify(settled));
  return { status: 200, headers: settled.headers };
}

function snapshot({ voucher }) {
  const { balance, totalClaimed } = chain;
  return {
    channelId: voucher.channelId,
    balance: `${balance}`,
    totalClaimed: `${totalClaimed}`,
    withdrawRequestedAt: 0,
    refundNonce: "0",
  };
}

function note(name, kind, header) {
  if (header) written.push({ name, kind, header });
}
