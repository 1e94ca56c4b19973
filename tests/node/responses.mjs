// Runs jobs through the Responses API of the unmodified OpenAI SDK for Node. In: one JSON document on stdin. Out: a JSON array of outcomes.
// A job: {id, action: "whole" | "events" | "stream" | "tools", request, apiKey?, results?: text by the name of a tool}.
import OpenAI from 'openai';

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const { baseURL, apiKey, jobs } = JSON.parse(Buffer.concat(chunks).toString('utf8'));

function take(outcome, response) {
  outcome.response = response;
  outcome.text = response.output_text;
}

async function whole(client, job, outcome) {
  const { data, response } = await client.responses.create(job.request).withResponse();
  outcome.requestId = data._request_id;
  outcome.status = response.status;
  take(outcome, data);
}

async function events(client, job, outcome) {
  for await (const event of await client.responses.create({ ...job.request, stream: true })) {
    outcome.events.push(event);
    if (job.abortAfter && outcome.events.length >= job.abortAfter) {
      outcome.isAborted = true;
      return;
    }
  }
}

// The SDK puts the response together from the events, and throws where they contradict each other.
async function stream(client, job, outcome) {
  const runner = client.responses.stream(job.request);
  runner.on('event', (event) => {
    outcome.events.push(event);
  });
  runner.on('response.output_text.delta', (event) => {
    outcome.snapshot = event.snapshot;
  });
  take(outcome, await runner.finalResponse());
}

// What an app does with tools: send the output back with what the calls brought, until there are no more calls.
async function tools(client, job, outcome) {
  const input = [{ role: 'user', content: job.request.input }];
  for (let turn = 0; turn < 4; turn++) {
    const request = { ...job.request, input };
    const response = job.isStreamed
      ? await client.responses.stream(request).finalResponse()
      : await client.responses.create(request);
    take(outcome, response);
    const calls = response.output.filter((item) => item.type === 'function_call');
    outcome.calls.push(...calls);
    if (calls.length === 0) {
      return;
    }
    input.push(...response.output);
    for (const call of calls) {
      input.push({ type: 'function_call_output', call_id: call.call_id, output: job.results[call.name] });
    }
  }
}

async function parsed(client, job, outcome) {
  const response = await client.responses.parse(job.request);
  take(outcome, response);
  outcome.parsed = response.output_parsed;
}

const actions = { whole, events, stream, tools, parsed };
const outcomes = [];
for (const job of jobs) {
  const outcome = { id: job.id, text: null, response: null, events: [], calls: [], error: null };
  const client = new OpenAI({ baseURL, apiKey: job.apiKey ?? apiKey, maxRetries: 0 });
  try {
    await actions[job.action](client, job, outcome);
  } catch (error) {
    const { status, code, type, param, message } = error;
    const name = error.constructor.name;
    outcome.error = { name, isApiError: error instanceof OpenAI.APIError, status, code, type, param, message };
  }
  outcomes.push(outcome);
}
process.stdout.write(JSON.stringify(outcomes));
