// Runs jobs through the unmodified OpenAI SDK for Node. In: one JSON document on stdin. Out: a JSON array of outcomes.
// A job: {id, action: "whole" | "stream" | "complete" | "completeStream" | "embed" | "models" | a path, request, apiKey?, maxRetries?, abortAfter?: pieces of text}.
import OpenAI from 'openai';

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const { baseURL, apiKey, concurrency = 1, jobs } = JSON.parse(Buffer.concat(chunks).toString('utf8'));

function describe(error) {
  const { status, code, type, param, message } = error;
  const name = error.constructor.name;
  return { name, isApiError: error instanceof OpenAI.APIError, status, code, type, param, message };
}

function collect(outcome, index, text, reason) {
  outcome.texts[index] = (outcome.texts[index] ?? '') + (text ?? '');
  outcome.reasons[index] = reason ?? outcome.reasons[index] ?? null;
}

async function stream(client, job, outcome) {
  let pieces = 0;
  const chunks = await client.chat.completions.create({ ...job.request, stream: true });
  for await (const chunk of chunks) {
    outcome.usage = chunk.usage ?? outcome.usage;
    for (const choice of chunk.choices) {
      collect(outcome, choice.index, choice.delta.content, choice.finish_reason);
      pieces += choice.delta.content ? 1 : 0;
    }
    if (job.abortAfter && pieces >= job.abortAfter) {
      outcome.isAborted = true;
      chunks.controller.abort();
      return;
    }
  }
}

async function whole(client, job, outcome) {
  const completion = await client.chat.completions.create(job.request);
  outcome.usage = completion.usage;
  outcome.object = completion.object;
  for (const choice of completion.choices) {
    collect(outcome, choice.index, choice.message.content, choice.finish_reason);
  }
}

async function complete(client, job, outcome) {
  const completion = await client.completions.create(job.request);
  outcome.usage = completion.usage;
  outcome.object = completion.object;
  outcome.logprobs = completion.choices.map((choice) => choice.logprobs);
  for (const choice of completion.choices) {
    collect(outcome, choice.index, choice.text, choice.finish_reason);
  }
}

async function completeStream(client, job, outcome) {
  outcome.logprobs = [];
  for await (const chunk of await client.completions.create({ ...job.request, stream: true })) {
    outcome.usage = chunk.usage ?? outcome.usage;
    for (const choice of chunk.choices) {
      collect(outcome, choice.index, choice.text, choice.finish_reason);
      outcome.logprobs.push(choice.logprobs);
    }
  }
}

async function embed(client, job, outcome) {
  const made = await client.embeddings.create(job.request);
  outcome.usage = made.usage;
  outcome.vectors = made.data.map((entry) => Array.from(entry.embedding));
}

async function ended(made) {
  const reply = await made;
  if (reply[Symbol.asyncIterator]) {
    for await (const event of reply) {
      void event;
    }
  }
}

const calls = {
  '/completions': (client, job) => ended(client.completions.create(job.request)),
  '/embeddings': (client, job) => ended(client.embeddings.create(job.request)),
  '/responses': (client, job) => ended(client.responses.create(job.request)),
};

const actions = { ...calls, whole, stream, complete, completeStream, embed };

async function run(job) {
  const outcome = { id: job.id, texts: [], reasons: [], usage: null, error: null, isAborted: false };
  const client = new OpenAI({ baseURL, apiKey: job.apiKey ?? apiKey, maxRetries: job.maxRetries ?? 0 });
  try {
    if (job.action === 'models') {
      outcome.models = (await client.models.list()).data.map((model) => model.id);
    } else {
      await actions[job.action](client, job, outcome);
    }
  } catch (error) {
    outcome.error = describe(error);
  }
  return outcome;
}

const outcomes = [];
let next = 0;
await Promise.all(Array.from({ length: concurrency }, async () => {
  while (next < jobs.length) {
    const at = next++;
    outcomes[at] = await run(jobs[at]);
  }
}));
process.stdout.write(JSON.stringify(outcomes));
