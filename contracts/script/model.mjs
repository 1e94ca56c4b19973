// The escrow beside the model of the specification (tests/Chain.Tests/Escrow) on many random sequences of 60 calls.
//
//   node script/model.mjs [--sequences 20000] [--minutes 60] [--results cache/model.jsonl]
//
// Goes in pieces of 500 seeds; each that agrees is a line in the result file, with the commit and a hash of contracts,
// model and comparison, and is not made again under the same hash. Fails at the first call on which the two differ.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { codeHash, root } from "./code-hash.mjs";

const pieceSize = 500;
const names = ["sequences", "minutes", "results"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const deadline = Date.now() + Number(values.minutes ?? 60) * 60_000;
const results = join(root, values.results ?? "cache/model.jsonl");
const project = join("..", "tests", "Chain.Tests");
// Of the simulated chain only its rules are compared, not the nodes that tests put before it.
const compared = [
  [join(project, "Escrow"), /\.cs$/],
  [join("..", "tests", "Testbed", "Chain"), /^(ChainBooks|\w+Rules)\.cs$/],
].flatMap(([folder, names]) =>
  readdirSync(join(root, folder)).filter((name) => names.test(name)).map((name) => join(folder, name)),
);
const code = codeHash(...compared);
const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
mkdirSync(dirname(results), { recursive: true });

const lines = () => (existsSync(results) ? readFileSync(results, "utf8").trim().split("\n").filter(Boolean).map(JSON.parse) : []);
const own = () => lines().filter((line) => line.code === code);
const wanted = Array.from({ length: Math.ceil(Number(values.sequences ?? 20_000) / pieceSize) }, (_, i) => 1 + i * pieceSize);
let isFirst = true;
for (const first of wanted) {
  if (Date.now() > deadline) break;
  if (own().some(({ firstSeed, sequences }) => firstSeed === first && sequences === pieceSize)) continue;
  const flags = ["run", ...(isFirst ? [] : ["--no-build"]), "--project", project, "--", "-class", "Souk.Chain.Tests.Escrow.*"];
  const environment = { SOUK_SEQUENCES: String(pieceSize), SOUK_FIRST_SEED: String(first), SOUK_RESULTS: results };
  const { status } = spawnSync("dotnet", flags, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment, SOUK_COMMIT: commit, SOUK_CODE: code },
  });
  if (status !== 0) process.exit(1);
  isFirst = false;
}

const done = own().filter(({ firstSeed }) => wanted.includes(firstSeed));
const sum = (of) => done.reduce((total, line) => total + of(line), 0);
console.log(`${sum(({ sequences }) => sequences)} sequences, ${sum(({ calls }) => calls)} calls, all equal; code ${code}`);
process.exit(done.length === wanted.length ? 0 : 1);
