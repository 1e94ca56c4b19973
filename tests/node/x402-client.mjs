// A client without a gateway: OpenAI's SDK over x402's unmodified fetch, which pays a provider by batch-settlement.
// In: one JSON object on stdin. Out: what it was sent and charged, answer by answer, and its refund.
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';
import { HTTPFacilitatorClient } from '@x402/core/http';
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { BatchSettlementEvmScheme, signVoucher } from '@x402/evm/batch-settlement/client';
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

// The provider's facilitator through its npm client: a second channel is opened by it and given back.
async function facilitate() {
  const facilitator = new HTTPFacilitatorClient({ url: provider });
  const supported = await facilitator.getSupported();
  const asked = await fetch(`${provider}/v1/chat/completions`);
  const { accepts } = JSON.parse(atob(asked.headers.get('PAYMENT-REQUIRED')));
  const requirements = { ...accepts[0], amount: '100' };
  const scheme = new BatchSettlementEvmScheme(payer, { salt: '0x' + '01'.repeat(32) });
  const made = await scheme.createPaymentPayload(2, requirements);
  const payment = { ...made, accepted: requirements };
  const verified = await facilitator.verify(payment, requirements);
  const settled = await facilitator.settle(payment, requirements);
  const { channelConfig } = made.payload;
  const voucher = await signVoucher(payer, made.payload.voucher.channelId, '0', network);
  const back = { x402Version: 2, accepted: requirements, payload: { type: 'refund', channelConfig, voucher } };
  const refunded = await facilitator.settle(back, requirements);
  const again = await facilitator.settle(payment, requirements);
  return { supported, verified, settled, refunded, again, deposit: made.payload.deposit.amount };
}

const facilitated = await facilitate();
process.stdout.write(JSON.stringify({ outcomes, refund, refundReplies: replies, facilitated }));
