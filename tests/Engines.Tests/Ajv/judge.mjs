// Reads lines {"schema":…,"answer":"…"} and writes one line for each: "ok", or why the answer does not satisfy it.
import { createInterface } from 'node:readline';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

for await (const line of createInterface({ input: process.stdin })) {
  const { schema, answer } = JSON.parse(line);
  let verdict = 'ok';
  try {
    const ajv = formats(new Ajv({ strict: false, allErrors: false }));
    const validate = ajv.compile(schema);
    if (!validate(JSON.parse(answer))) {
      verdict = JSON.stringify(validate.errors);
    }
  } catch (error) {
    verdict = String(error).replaceAll('\n', ' ');
  }
  process.stdout.write(verdict + '\n');
}
