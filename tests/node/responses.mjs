// Runs jobs through the Responses API of the unmodified OpenAI SDK for Node, and holds everything that comes to the
// schemas that OpenAI publishes. In: one JSON document on stdin. Out: a JSON array of outcomes.
// A job: {id, action: "whole" | "events" | "stream" | "tools", request, apiKey?, results?: text by the name of a tool}.
import Ajv from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import { readFile } from 'node:fs/promises';

const schemas = JSON.parse(await readFile(new URL('openapi/responses.json', import.meta.url), 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(schemas, 'openai');
const known = (name) => ajv.getSchema(`openai#/components/schemas/${name}`);
const byType = new Map(schemas.events.map((name) => [schemas.components.schemas[name].properties.type.enum[0], name]));

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const { baseURL, apiKey, jobs } = JSON.parse(Buffer.concat(chunks).toString('utf8'));

function judge(outcome, name, value) {
  const validate = name && known(name);
  if (!validate) {
    outcome.faults.push(`no schema for ${value.type ?? value.object}`);
  } else if (!validate(value)) {
    outcome.faults.push(`${name}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
  }
}

function take(outcome, response) {
  outcome.response = response;
  outcome.text = response.output_text;
}

// The SDK adds what the reply does not have; only what came is judged.
async function whole(client, job, outcome) {
  const { data, response } = await client.responses.create(job.request).withResponse();
  outcome.requestId = data._request_id;
  const { output_text: _, ...sent } = data;
  judge(outcome, 'Response', sent);
  outcome.status = response.status;
  take(outcome, data);
}

async function events(client, job, outcome) {
  for await (const event of await client.responses.create({ ...job.request, stream: true })) {
    judge(outcome, byType.get(event.type), event);
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
    judge(outcome, byType.get(event.type), event);
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
  const outcome = { id: job.id, text: null, response: null, events: [], calls: [], faults: [], error: null };
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
