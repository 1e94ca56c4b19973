// Judges replies by JSON Schemas of an OpenAPI document. Shares nothing with what wrote the replies.
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export class Judge {
  /** Exceptions are places where the document is not what OpenAI does today: {where, says, why}. */
  constructor(document, exceptions = []) {
    this.document = document;
    this.exceptions = exceptions;
    this.met = new Set();
    this.ajv = new Ajv({ strict: false, allErrors: true, discriminator: false, validateFormats: false });
    addFormats(this.ajv);
    this.ajv.addSchema({ $id: 'doc', components: document.components, events: document.events ?? {} });
    this.compiled = new Map();
  }

  /** Violations of a schema of the document; empty when all is well. */
  check(schema, value, what) {
    const key = JSON.stringify(schema);
    if (!this.compiled.has(key)) {
      const text = key.replaceAll('"#/components/', '"doc#/components/');
      this.compiled.set(key, this.ajv.compile(JSON.parse(text)));
    }
    const validate = this.compiled.get(key);
    if (validate(value)) {
      return [];
    }
    return validate.errors.filter((error) => !this.isExcepted(error)).slice(0, 6)
      .map((error) => `${what}${error.instancePath}: ${error.message} (${error.schemaPath})`);
  }

  isExcepted(error) {
    const found = this.exceptions.find(({ where, says }) => where.test(error.instancePath) && error.message === says);
    if (found) {
      this.met.add(found);
    }
    return found !== undefined;
  }

  /** Exceptions that no reply needed. */
  unused() {
    return this.exceptions.filter((one) => !this.met.has(one)).map(({ where, says }) => `${where} ${says}`);
  }

  has(path, method) {
    return this.document.paths[path]?.[method] !== undefined;
  }

  hasEvents(path) {
    return this.document.events?.[path] !== undefined;
  }

  /** Whether OpenAI's document itself allows a request; it refuses some of its own examples. */
  takes(path, method, value) {
    const schema = this.document.paths[path]?.[method]?.requestBody?.content?.['application/json']?.schema;
    return !schema || this.check(schema, value, 'request').length === 0;
  }

  reply(path, method, status, value) {
    const declared = this.resolve(this.document.paths[path]?.[method]?.responses?.[status]);
    const schema = declared?.content?.['application/json']?.schema;
    return schema ? this.check(schema, value, 'reply') : [`${method} ${path} declares no JSON reply for ${status}`];
  }

  event(path, value) {
    const schema = this.document.events?.[path];
    return schema ? this.check(this.member(schema, value), value, `event ${value?.type ?? ''}`)
      : [`${path} declares no events`];
  }

  // Of a union, the member that the event says it is: so that a problem is told of that one and not of all.
  member(schema, value) {
    const union = this.resolve(schema);
    const found = (union.anyOf ?? union.oneOf ?? []).map((one) => this.member(one, value)).filter((one) => {
      const type = this.resolve(one).properties?.type;
      return type && (type.const === value?.type || type.enum?.includes(value?.type));
    });
    return found.length === 1 ? found[0] : schema;
  }

  resolve(node) {
    return node?.$ref
      ? this.resolve(node.$ref.slice(2).split('/').reduce((at, step) => at[step], this.document)) : node;
  }
}

const text = { type: 'string' };
const nullable = { type: ['string', 'null'] };

/** OpenAI's error body, which its document leaves to prose: {"error": {message, type, param, code}}. */
export const ErrorSchema = {
  type: 'object', required: ['error'],
  properties: {
    error: {
      type: 'object', required: ['message', 'type', 'param', 'code'],
      properties: { message: { ...text, minLength: 1 }, type: { ...text, minLength: 1 }, param: nullable, code: nullable },
    },
  },
};

/** The data of each event of a stream, and what is wrong with the framing. */
export function readEvents(body) {
  const problems = [];
  const events = body.split('\n\n').filter((part) => part.trim() !== '').map((part) => {
    const lines = part.split('\n').filter((line) => !line.startsWith(':'));
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n');
    return { name: lines.find((line) => line.startsWith('event:'))?.slice(6).trim(), data };
  }).filter((event) => event.data !== '');
  if (!body.endsWith('\n\n')) {
    problems.push('the stream does not end with an empty line');
  }
  return { events, problems };
}
