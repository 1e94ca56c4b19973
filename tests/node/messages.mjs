// Runs jobs through the unmodified Anthropic SDK for Node. In: one JSON document on stdin. Out: a JSON array of
// outcomes.
// A job: {id, action: "whole" | "events" | "stream" | "tools" | "beta", request, apiKey?, results?: by name of a tool}.
import Anthropic from '@anthropic-ai/sdk';

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const { baseURL, apiKey, jobs } = JSON.parse(Buffer.concat(chunks).toString('utf8'));

function take(outcome, message) {
  outcome.message = message;
  outcome.text = message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');
}

async function whole(client, job, outcome) {
  const message = await client.messages.create(job.request);
  outcome.requestId = message._request_id;
  take(outcome, message);
}

async function events(client, job, outcome) {
  for await (const event of await client.messages.create({ ...job.request, stream: true })) {
    outcome.events.push(event);
  }
}

// The SDK puts the message together from the events, and throws where they contradict each other.
async function stream(client, job, outcome) {
  const runner = client.messages.stream(job.request);
  outcome.told = '';
  runner.on('text', (piece) => {
    outcome.told += piece;
  });
  runner.on('thinking', (piece) => {
    outcome.thought = (outcome.thought ?? '') + piece;
  });
  take(outcome, await runner.finalMessage());
}

// What an app does with tools: send the content back with what the calls brought, until there are no more calls.
async function tools(client, job, outcome) {
  const messages = [...job.request.messages];
  for (let turn = 0; turn < 4; turn++) {
    const request = { ...job.request, messages };
    const message = job.isStreamed
      ? await client.messages.stream(request).finalMessage()
      : await client.messages.create(request);
    take(outcome, message);
    const calls = message.content.filter((block) => block.type === 'tool_use');
    outcome.calls.push(...calls);
    outcome.reasons.push(message.stop_reason);
    if (calls.length === 0) {
      return;
    }
    messages.push({ role: 'assistant', content: message.content });
    messages.push({
      role: 'user',
      content: calls.map(({ id, name }) => ({ type: 'tool_result', tool_use_id: id, content: job.results[name] })),
    });
  }
}

async function beta(client, job, outcome) {
  take(outcome, await client.beta.messages.create({ ...job.request, betas: ['some-beta-2025-01-01'] }));
}

const actions = { whole, events, stream, tools, beta };
const outcomes = [];
for (const job of jobs) {
  const outcome = { id: job.id, text: null, message: null, events: [], calls: [], reasons: [], error: null };
  const key = job.apiKey ?? apiKey;
  const client = new Anthropic({
    // This SDK's paths begin with /v1 themselves.
    baseURL: baseURL.replace(/\/v1$/, ''), maxRetries: 0,
    ...(job.isBearer ? { apiKey: null, authToken: key } : { apiKey: key }),
  });
  try {
    await actions[job.action](client, job, outcome);
  } catch (error) {
    const { status, type, message, requestID } = error;
    const name = error.constructor.name;
    outcome.error = { name, isApiError: error instanceof Anthropic.APIError, status, type, message, requestID };
  }
  outcomes.push(outcome);
}
process.stdout.write(JSON.stringify(outcomes));
