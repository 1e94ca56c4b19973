// The requests of the corpus to one path as JSON, for the SDKs of other languages. In: {path, model} on stdin.
import fs from 'node:fs';
import { casesOf } from './cases.mjs';

const { path, model } = JSON.parse(fs.readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(casesOf(path, model)
  .filter(({ parameter }) => parameter !== 'stream_options').map(({ id, body, expected }) => ({
  id, body, status: expected.status ?? expected,
}))));
