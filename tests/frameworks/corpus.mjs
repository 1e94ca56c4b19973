// Sends the corpus to a gateway and judges every reply: by OpenAI's schemas, by the gateway's own document, and, with a
// validating proxy between, by an independent program. In: {baseURL, apiKey, poorKey, models,
// embedding, published: a file or null} on stdin. Out: a report.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { validate as isOpenApi, Validator } from './openapi.mjs';
import { CORPUS, MISTAKES, NOT_SERVED, casesOf } from './cases.mjs';
import { PINNED, cut, fromFile, fromTypes, parameters, servedPaths, unfinished } from './document.mjs';
import { examplesOf } from './examples.mjs';
import { EXCEPTIONS } from './exceptions.mjs';
import { ErrorSchema, Judge, readEvents } from './judge.mjs';

const input = JSON.parse(fs.readFileSync(0, 'utf8'));
const { baseURL, apiKey, poorKey, models, embedding, published } = input;
const base = baseURL.replace(/\/$/, '');
const own = await (await fetch(new URL('/openapi.json', base))).json();
const paths = servedPaths(own);
const types = cut(fromTypes(), paths);
const documents = [PINNED, ...(published ? [published] : [])].map(fromFile);
const official = published ? cut(documents.at(-1), paths) : types;
const judges = {
  types: new Judge(types), own: new Judge(own),
  ...Object.fromEntries(documents.map((one) => [one.info.version, new Judge(cut(one, paths), EXCEPTIONS[one.info.version])])),
};
const report = { paths, documents: [], cases: [], unlisted: [], own: [], outside: [], unused: [] };

async function send(where, one) {
  const headers = { ...one.headers };
  const key = one.key === undefined ? (one.poor ? poorKey : apiKey) : one.key;
  if (key) {
    headers.authorization = `Bearer ${key}`;
  }
  const method = (one.method ?? 'post').toUpperCase();
  const body = method === 'POST' ? one.raw ?? JSON.stringify({ model: one.model ?? models[0], ...one.body }) : undefined;
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
  }
  const reply = await fetch(where + one.path, { method, headers, body });
  return { status: reply.status, type: reply.headers.get('content-type') ?? '', text: await reply.text(),
    headers: reply.headers };
}

function judge(one, got) {
  const problems = [];
  const { expected } = one;
  const declared = one.declared ?? one.path;
  const method = one.method ?? 'post';
  const isLacking = got.status === 400 && one.mayLack
    && (got.text.includes('"feature_') || got.text.includes(`"${one.lack}"`));
  const isFine = isLacking || got.status === (expected.status ?? expected);
  if (!isFine) {
    problems.push(`expected ${JSON.stringify(expected)}, got ${got.status}: ${got.text.slice(0, 300)}`);
  }
  // What is refused before it is read has no id yet.
  if (!got.headers.get('x-request-id') && got.status !== 413) {
    problems.push('no x-request-id');
  }
  if (got.status === 200 && got.type.startsWith('text/event-stream')) {
    return [...problems, ...judgeStream(one, got)];
  }
  const value = JSON.parse(got.text);
  if (got.status === 200) {
    for (const [name, by] of Object.entries(judges)) {
      const at = name === 'own' ? `/v1${declared}` : declared;
      // An older edition knows fewer paths.
      if (name in EXCEPTIONS && !by.has(at, method)) {
        continue;
      }
      problems.push(...by.reply(at, method, 200, isCoded(one) && name !== 'own' ? decoded(value) : value).map((problem) => `${name}: ${problem}`));
    }
  } else {
    problems.push(...judges.own.check(ErrorSchema, value, 'error'));
    for (const field of ['code', 'param']) {
      if (!isLacking && expected[field] !== undefined && value.error?.[field] !== expected[field]) {
        problems.push(`expected ${field} ${expected[field]}: ${got.text.slice(0, 300)}`);
      }
    }
  }
  return problems;
}

// Embeddings as base64, which OpenAI's SDKs ask for: OpenAI's schemas know but the numbers.
const isCoded = (one) => one.body?.encoding_format === 'base64';

function decoded(value) {
  const numbers = (text) => Array.from(new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer));
  return { ...value, data: value.data.map((one) => ({ ...one, embedding: numbers(one.embedding) })) };
}

function judgeStream(one, got) {
  const { events, problems } = readEvents(got.text);
  const isDone = one.path !== '/responses';
  const last = events.at(-1)?.data;
  if (isDone && last !== '[DONE]') {
    problems.push(`the last event is ${last}`);
  }
  const told = (isDone ? events.slice(0, -1) : events).map((event) => JSON.parse(event.data));
  const values = one.path === '/completions' ? told.map(unfinished) : told;
  for (const value of values) {
    for (const [name, by] of Object.entries(judges).filter(([name, by]) => name !== 'own' && by.hasEvents(one.path))) {
      problems.push(...by.event(one.path, value).map((problem) => `${name}: ${problem}`));
    }
    if (one.path === '/chat/completions') {
      problems.push(...judges.own.check({ $ref: '#/components/schemas/ChatChunk' }, value, 'own: event'));
    }
  }
  if (one.path === '/chat/completions') {
    const isCounted = one.body.stream_options?.include_usage === true;
    if (values.some((value) => value.usage) !== isCounted || (isCounted && values.at(-1).choices.length !== 0)) {
      problems.push('usage is not in the last chunk exactly where it was asked for');
    }
    if (!values.some((value) => value.choices[0]?.finish_reason)) {
      problems.push('no finish reason');
    }
  }
  return problems.slice(0, 8);
}

async function port() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: free } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function proxied(document, prefix, run) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'souk-prism-'));
  const file = path.join(folder, 'document.json');
  const { events, ...rest } = document;
  fs.writeFileSync(file, JSON.stringify(rest));
  const at = await port();
  const cli = path.join(import.meta.dirname, 'node_modules/@stoplight/prism-cli/dist/index.js');
  const proxy = spawn(process.execPath, [cli, 'proxy', file, prefix, '--errors', '-h', '127.0.0.1', '-p', String(at)],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  proxy.stdout.on('data', (data) => { log += data; });
  proxy.stderr.on('data', (data) => { log += data; });
  try {
    for (let turn = 0; !log.includes('Prism is listening'); turn++) {
      if (turn > 600 || proxy.exitCode !== null) {
        throw new Error(`The proxy did not start: ${log}`);
      }
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    return await run(`http://127.0.0.1:${at}`);
  } finally {
    proxy.kill();
    fs.rmSync(folder, { recursive: true });
  }
}

// A request that OpenAI's schema allows, whole, and answered with 200: what the proxy can judge.
const isForProxy = (got) => got.status === 200 && !got.type.startsWith('text/event-stream');

async function throughProxies(answered) {
  const judgeOfficial = new Judge(official);
  const whole = answered.filter(({ got }) => isForProxy(got)).map(({ one }) => one);
  for (const [name, document, prefix, at] of [
    ['official', official, base, ''], ['own', own, new URL(base).origin, '/v1']]) {
    const isOfficial = name === 'official';
    const well = whole.filter((one) => !isOfficial
      || !isCoded(one) && judgeOfficial.takes(one.declared ?? one.path, one.method ?? 'post', { model: models[0], ...one.body }));
    report.outside = isOfficial ? whole.filter((one) => !well.includes(one)).map(({ id }) => id) : report.outside;
    await proxied(document, prefix, async (where) => {
      for (const one of well) {
        const got = await send(where + at, one);
        const problems = got.status === 200 && !got.headers.get('sl-violations')
          ? [] : [`${got.status} ${got.headers.get('sl-violations') ?? got.text.slice(0, 400)}`];
        report.cases.push({ id: `proxy (${name}): ${one.id}`, problems });
      }
    });
  }
}

const modelsOf = (path) => (path === '/embeddings' ? [embedding, models[0]] : models);
const examples = documents.map((one) => examplesOf(one, paths, own, { chat: models[0], embedding }));
report.documents = documents.map(({ info }, at) => ({ version: info.version, examples: examples[at].length }));
const cases = [
  ...paths.filter((one) => CORPUS[one]).flatMap((one) => modelsOf(one).flatMap((model, at) =>
    casesOf(one, model).map((made) => ({ ...made, mayLack: at > 0,
      lack: made.lack ?? (one === '/embeddings' ? 'model_not_supported' : undefined) })))),
  { id: 'models', path: '/models', method: 'get', expected: 200 },
  ...[...models, embedding].map((model) => (
    { id: `model ${model}`, path: `/models/${model}`, declared: '/models/{model}', method: 'get', expected: 200 })),
  ...MISTAKES,
  ...NOT_SERVED,
  ...examples.flat(),
];

const answered = [];
for (const one of cases) {
  if (one.twice) {
    await send(base, { ...one, body: { ...one.body, user: 'first' } });
  }
  const got = await send(base, one);
  const problems = judge(one, got);
  report.cases.push({ id: one.id, status: got.status, problems });
  if (problems.length === 0) {
    answered.push({ one, got });
  }
}

for (const one of paths.filter((path) => CORPUS[path])) {
  const missing = parameters(types, one).filter((name) => !CORPUS[one].parameters[name]);
  report.unlisted.push(...missing.map((name) => `${one} ${name}`));
}

// An exception that nothing needs is not one.
report.unused = documents.flatMap(({ info }) => judges[info.version].unused());
report.own = await isOpenApi(own, Validator);
await throughProxies(answered);
process.stdout.write(JSON.stringify(report));
