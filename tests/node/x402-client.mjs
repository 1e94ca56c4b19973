// A client without a gateway: OpenAI's SDK over x402's unmodified fetch, which pays a provider by batch-settlement.
// In: one JSON object on stdin. Out: what it was sent and charged, answer by answer, and its refund.
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { createPublicClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { foundry } from 'viem/chains';

const { rpc, provider, payerKey, model, answers, losesStateAt } = JSON.parse(readFileSync(0, 'utf8'));
const network = 'eip155:31337';
const chain = createPublicClient({ chain: foundry, transport: http(rpc) });
const payer = { ...privateKeyToAccount(payerKey), readContract: (call) => chain.readContract(call) };

// Every reply that passes below the payments.
let replies = [];
async function seen(request) {
  const reply = await fetch(request);
  const required = reply.headers.get('PAYMENT-REQUIRED');
  const response = reply.headers.get('PAYMENT-RESPONSE');
  replies.push({
    status: reply.status,
    paid: request.headers.has('PAYMENT-SIGNATURE'),
    error: required && JSON.parse(atob(required)).error,
    settled: response && decodePaymentResponseHeader(response),
    receipt: reply.headers.has('souk-receipt'),
  });
  return reply;
}

function start() {
  const scheme = new BatchSettlementEvmScheme(payer);
  const client = new x402Client().register(network, scheme).setSpendControls({ allowedAssets: true });
  const paying = wrapFetchWithPayment(seen, client);
  const openai = new OpenAI({ baseURL: `${provider}/v1`, apiKey: 'none', maxRetries: 0, fetch: paying });
  return { openai, scheme };
}

async function buy({ openai }, number, stream) {
  const request = {
    model,
    messages: [{ role: 'user', content: `What is ${number} plus ${number + 7}?` }],
    max_tokens: 12,
    stream,
  };
  if (!stream) {
    const answer = await openai.chat.completions.create(request);
    return { text: answer.choices[0].message.content, usage: answer.usage };
  }
  let text = '';
  let usage;
  const events = await openai.chat.completions.create({ ...request, stream_options: { include_usage: true } });
  for await (const chunk of events) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  return { text, usage };
}

const outcomes = [];
let client = start();
for (let number = 0; number < answers; number++) {
  if (number === losesStateAt) client = start();
  const streamed = number % 2 === 1;
  outcomes.push({ number, streamed, ...(await buy(client, number, streamed)), replies: replies.splice(0) });
}

const refund = await client.scheme.refund(`${provider}/v1/chat/completions`, {
  fetch: (url, init) => seen(new Request(url, init)),
});
process.stdout.write(JSON.stringify({ outcomes, refund, refundReplies: replies }));
