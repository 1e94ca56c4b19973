// What OpenAI's API looks like, as an OpenAPI document cut to some paths: from the types of OpenAI's own SDK, which are
// generated from its OpenAPI document and pinned here, or from a copy of that document itself.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createGenerator } from 'ts-json-schema-generator';

/** Where published.mjs lays the edition of OpenAI's document that is pinned. */
export const PINNED = path.join(import.meta.dirname, 'node_modules', 'openai-published.json');

const ROOTS = {
  ChatRequest: 'OpenAI.Chat.Completions.ChatCompletionCreateParams',
  ChatReply: 'OpenAI.Chat.Completions.ChatCompletion',
  ChatEvent: 'OpenAI.Chat.Completions.ChatCompletionChunk',
  CompletionRequest: 'OpenAI.CompletionCreateParams',
  CompletionReply: 'OpenAI.Completion',
  EmbeddingRequest: 'OpenAI.EmbeddingCreateParams',
  EmbeddingReply: 'OpenAI.CreateEmbeddingResponse',
  ResponseRequest: 'OpenAI.Responses.ResponseCreateParams',
  ResponseReply: 'OpenAI.Responses.Response',
  ResponseEvent: 'OpenAI.Responses.ResponseStreamEvent',
  ModelReply: 'OpenAI.Model',
};

const OPERATIONS = {
  '/chat/completions': { post: ['ChatRequest', 'ChatReply', 'ChatEvent'] },
  '/completions': { post: ['CompletionRequest', 'CompletionReply', 'CompletionReply'] },
  '/embeddings': { post: ['EmbeddingRequest', 'EmbeddingReply', null] },
  '/responses': { post: ['ResponseRequest', 'ResponseReply', 'ResponseEvent'] },
  '/models': { get: [null, 'ModelListReply', null] },
  '/models/{model}': { get: [null, 'ModelReply', null] },
};

/** Paths that both OpenAI has and a gateway's own document lists, without the prefix of the base URL. */
export const servedPaths = (own) => Object.keys(own.paths)
  .filter((one) => one.startsWith('/v1/') && one.slice(3) in OPERATIONS).map((one) => one.slice(3));

/** JSON Schema of the SDK's types, by name. */
function typeSchemas() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'souk-types-'));
  try {
    const modules = path.join(import.meta.dirname, 'node_modules');
    fs.symlinkSync(modules, path.join(folder, 'node_modules'));
    fs.writeFileSync(path.join(folder, 'roots.ts'), `import type OpenAI from 'openai';\n`
      + Object.entries(ROOTS).map(([name, type]) => `export type Root${name} = ${type};`).join('\n'));
    fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({
      compilerOptions: {
        module: 'nodenext', moduleResolution: 'nodenext', target: 'es2022', strict: true, skipLibCheck: true, types: [],
      },
      files: ['roots.ts'],
    }));
    const { definitions } = createGenerator({
      path: path.join(folder, 'roots.ts'), tsconfig: path.join(folder, 'tsconfig.json'), type: '*', skipTypeCheck: true,
      additionalProperties: true, topRef: true, expose: 'export', jsDoc: 'none',
    }).createSchema('*');
    return definitions;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const operation = (request, reply) => ({
  ...(request && { requestBody: { required: true, content: { 'application/json': { schema: ref(request) } } } }),
  responses: { 200: { description: 'OK', content: { 'application/json': { schema: ref(reply) } } } },
});

const ref = (name) => ({ $ref: `#/components/schemas/${name}` });

/** The document of the SDK's types. */
export function fromTypes() {
  const clean = (name) => decodeURIComponent(name).replace(/[^A-Za-z0-9._-]/g, '_');
  const text = JSON.stringify(typeSchemas(), (key, value) => (key === '$ref'
    ? `#/components/schemas/${clean(value.replace('#/definitions/', ''))}` : value));
  const schemas = Object.fromEntries(Object.entries(JSON.parse(text))
    .map(([name, schema]) => [clean(name).replace(/^Root/, ''), schema]));
  // What the SDK adds to a reply for its user is not on the wire.
  const reply = schemas.Response;
  reply.required = reply.required.filter((name) => name !== 'output_text');
  schemas.ModelListReply = {
    type: 'object', required: ['object', 'data'],
    properties: { object: { const: 'list' }, data: { type: 'array', items: ref('ModelReply') } },
  };
  const body = JSON.stringify(schemas).replaceAll('"#/components/schemas/Root', '"#/components/schemas/');
  const paths = Object.fromEntries(Object.entries(OPERATIONS).map(([one, methods]) => [one,
    Object.fromEntries(Object.entries(methods).map(([method, [request, reply]]) => [method, operation(request, reply)]))]));
  paths['/models/{model}'].get.parameters = [
    { name: 'model', in: 'path', required: true, schema: { type: 'string' } },
  ];
  return {
    openapi: '3.1.0', info: { title: 'OpenAI', version: '1' }, paths, components: { schemas: JSON.parse(body) },
    events: Object.fromEntries(Object.entries(OPERATIONS).flatMap(([one, methods]) => Object.values(methods)
      .filter(([, , event]) => event).map(([, , event]) => [one, ref(event)]))),
  };
}

/** The published document. */
export function fromFile(file) {
  // Some schemas still say "nullable" beside a reference or a list of values, which JSON Schema reads otherwise.
  const document = JSON.parse(fs.readFileSync(file, 'utf8'), (_, value) => {
    if (value?.nullable === true && value.enum) {
      return { ...value, enum: [...value.enum, null] };
    }
    if (value?.nullable === true && value.type === undefined) {
      const { nullable, ...schema } = value;
      return { anyOf: [schema, { type: 'null' }] };
    }
    return value;
  });
  const events = {};
  for (const [one, methods] of Object.entries(document.paths)) {
    const event = methods.post?.responses?.['200']?.content?.['text/event-stream']?.schema;
    if (event) {
      events[one] = event;
    }
  }
  events['/completions'] ??= document.paths['/completions']?.post.responses['200'].content['application/json'].schema;
  return { ...document, events };
}

/** A document with nothing but these paths and what they refer to. */
export function cut(document, paths) {
  const kept = Object.fromEntries(paths.filter((one) => document.paths[one]).map((one) => [one,
    Object.fromEntries(Object.entries(document.paths[one]).filter(([method]) => method in (OPERATIONS[one] ?? {})))]));
  const events = Object.fromEntries(Object.entries(document.events).filter(([one]) => paths.includes(one)));
  const components = {};
  const visit = (node) => {
    if (Array.isArray(node)) {
      node.forEach(visit);
    } else if (node && typeof node === 'object') {
      for (const [key, value] of Object.entries(node)) {
        if (key === '$ref' && typeof value === 'string' && value.startsWith('#/components/')) {
          const [kind, name] = value.slice('#/components/'.length).split('/');
          if (!components[kind]?.[name]) {
            (components[kind] ??= {})[name] = document.components[kind][name];
            visit(document.components[kind][name]);
          }
        } else {
          visit(value);
        }
      }
    }
  };
  visit(kept);
  visit(events);
  return { openapi: document.openapi, info: { title: 'OpenAI, cut', version: '1' }, paths: kept, components, events };
}

/** A completion as its stream carries it: the document has but the whole one, whose reason is never null. */
export function unfinished(value) {
  return { ...value, choices: value.choices?.map((choice) => ({ ...choice, finish_reason: choice.finish_reason ?? 'stop' })) };
}

/** Names of the fields that a request of a path may have. */
export function parameters(document, path) {
  const names = new Set();
  const visit = (schema, seen = new Set()) => {
    if (schema.$ref) {
      if (!seen.has(schema.$ref)) {
        seen.add(schema.$ref);
        visit(document.components.schemas[schema.$ref.split('/').at(-1)], seen);
      }
      return;
    }
    for (const inner of [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
      visit(inner, seen);
    }
    Object.keys(schema.properties ?? {}).forEach((name) => names.add(name));
  };
  visit(document.paths[path].post.requestBody.content['application/json'].schema);
  return [...names].sort();
}
