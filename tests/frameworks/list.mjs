// The chat requests of the corpus as JSON, for the SDKs of other languages. In: {model} on stdin.
import fs from 'node:fs';
import { casesOf } from './cases.mjs';

const { model } = JSON.parse(fs.readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(casesOf('/chat/completions', model)
  .filter(({ parameter }) => parameter !== 'stream_options').map(({ id, body, expected }) => ({
  id, body, status: expected.status ?? expected,
}))));
