// The reference server of x402 (@x402/express, with its facilitator in the same process) in front of an OpenAI-compatible
// upstream. In: one line of JSON on stdin. Out: one line of JSON with its port; it runs until stdin ends.
// Beside what is sold, for the test: POST /test/claim claims and settles, POST /test/lose?count=N loses the next N replies
// after they were charged, GET /test/channels tells what the server remembers.
import { createInterface } from 'node:readline';
import express from 'express';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { BatchSettlementEvmScheme as FacilitatorScheme } from '@x402/evm/batch-settlement/facilitator';
import { BatchSettlementEvmScheme as ServerScheme } from '@x402/evm/batch-settlement/server';
import { paymentMiddleware, setSettlementOverrides, x402ResourceServer } from '@x402/express';
import { createWalletClient, http, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { foundry } from 'viem/chains';

const input = createInterface({ input: process.stdin });
const setup = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
const { rpc, relayerKey, authorizerKey, payTo, asset, price, perToken, upstream, upstreamKey, upstreamModel } = setup;
const network = 'eip155:31337';

const chain = createWalletClient({
  account: privateKeyToAccount(relayerKey),
  chain: foundry,
  transport: http(rpc),
  pollingInterval: 100,
}).extend(publicActions);

// The facilitator reads through Multicall3, which a fresh development chain does not have.
async function aggregate({ args: [, calls] }) {
  return Promise.all(
    calls.map(async ({ target, callData }) => {
      const { data } = await chain.call({ to: target, data: callData });
      return { success: true, returnData: data };
    }),
  );
}

const signer = toFacilitatorEvmSigner({
  address: chain.account.address,
  readContract: (call) => (call.functionName === 'tryAggregate' ? aggregate(call) : chain.readContract(call)),
  verifyTypedData: (message) => chain.verifyTypedData(message),
  writeContract: (call) => chain.writeContract(call),
  sendTransaction: (transaction) => chain.sendTransaction(transaction),
  waitForTransactionReceipt: (query) => chain.waitForTransactionReceipt(query),
  getCode: (query) => chain.getCode(query),
});
const facilitator = new x402Facilitator().register(network, new FacilitatorScheme(signer));
const client = {
  verify: (payload, requirements) => facilitator.verify(payload, requirements),
  settle: (payload, requirements) => facilitator.settle(payload, requirements),
  getSupported: async () => facilitator.getSupported(),
};
const scheme = new ServerScheme(payTo, { receiverAuthorizerSigner: privateKeyToAccount(authorizerKey) });
const server = new x402ResourceServer(client).register(network, scheme);
const manager = scheme.createChannelManager(client, network, asset);

const app = express();
let losing = 0;

// Replaces what the payment middleware calls once it has charged.
app.use('/v1', (request, response, next) => {
  if (request.headers['payment-signature'] && losing > 0) {
    const end = response.end.bind(response);
    response.end = (...rest) => {
      if (losing > 0 && response.statusCode === 200) {
        losing -= 1;
        request.socket.destroy();
        return response;
      }
      return end(...rest);
    };
  }
  next();
});
app.use(
  paymentMiddleware(
    {
      'POST /v1/chat/completions': {
        accepts: {
          scheme: 'batch-settlement',
          network,
          payTo,
          price: { amount: price, asset, extra: { name: 'Souk Development Dollar', version: '1' } },
          maxTimeoutSeconds: 60,
        },
        description: 'Chat completions',
        mimeType: 'application/json',
      },
    },
    server,
  ),
);
app.use(express.json({ limit: '4mb' }));
app.post('/v1/chat/completions', async (request, response) => {
  const answer = await fetch(`${upstream}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${upstreamKey}` },
    body: JSON.stringify({ ...request.body, model: upstreamModel }),
  });
  const completion = await answer.json();
  if (answer.ok) {
    // Charged below the ceiling: what the tokens cost.
    setSettlementOverrides(response, { amount: String(BigInt(perToken) * BigInt(completion.usage.total_tokens)) });
  }
  response.status(answer.status).json(completion);
});

app.post('/test/claim', async (_request, response) => {
  response.json(await manager.claimAndSettle());
});
app.post('/test/lose', (request, response) => {
  losing = Number(request.query.count);
  response.json({ losing });
});
app.get('/test/channels', async (_request, response) => {
  const channels = await scheme.getStorage().list();
  response.type('json').send(JSON.stringify(channels, (_name, value) => (typeof value === 'bigint' ? `${value}` : value)));
});

const listener = app.listen(setup.port, '127.0.0.1', () => {
  process.stdout.write(JSON.stringify({ port: listener.address().port }) + '\n');
});
input.on('close', () => process.exit(0));
