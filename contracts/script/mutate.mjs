// Whether the suite notices when a contract is wrong: makes mutants of src/ (script/mutants/generate.mjs), runs the
// forge suite on each, and counts those that no test kills.
//
//   node script/mutate.mjs [--minutes 60] [--sample N] [--jobs 1] [--only FILE] [--results cache/mutants.jsonl]
//
// Mutants come in an order that depends on nothing but themselves. Each result is a line in the result file, with the
// commit and a hash of sources, tests and settings; what was judged under the same hash is not judged again, so runs add
// up. Fails below 95 % killed, below 60 mutants (or the sample), and at a survivor that MUTANTS.md does not explain.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { codeHash, root, short } from "./code-hash.mjs";
import { mutantsOf } from "./mutants/generate.mjs";

const files = [
  "src/BatchSettlement.sol",
  "src/CustomerVault.sol",
  "src/CustomerVaultFactory.sol",
  "src/Erc3009DepositCollector.sol",
  "src/ProviderRegistry.sol",
  "src/Relayed.sol",
];
const options = Object.fromEntries(["minutes", "sample", "jobs", "only", "results"].map((name) => [name, { type: "string" }]));
const { values } = parseArgs({ options });
const results = join(root, values.results ?? "cache/mutants.jsonl");
const deadline = Date.now() + Number(values.minutes ?? 60) * 60_000;
const code = codeHash("script/mutants/generate.mjs", "script/mutants/project.mjs");
const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).trim();

const wanted = all()
  .filter(({ file }) => !values.only || file.includes(values.only))
  .slice(0, values.sample ? Number(values.sample) : undefined);
mkdirSync(dirname(results), { recursive: true });
const known = new Map(
  (existsSync(results) ? readFileSync(results, "utf8").trim().split("\n") : [])
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter((line) => line.code === code)
    .map((line) => [line.id, line]),
);
const open = wanted.filter(({ id }) => !known.has(id));
if (open.length > 0) {
  const jobs = Math.min(Number(values.jobs ?? 1), open.length);
  await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)));
}
report();

/** Every mutant of every file, with a name that stays when lines move. */
function all() {
  const seen = new Map();
  return files
    .flatMap((file) => mutantsOf(readFileSync(join(root, file), "utf8")).map((mutant) => ({ ...mutant, file })))
    .map((mutant) => {
      const text = readFileSync(join(root, mutant.file), "utf8").split("\n")[mutant.line - 1];
      const name = `${mutant.file} ${text} ${mutant.operator} ${mutant.from} ${mutant.to}`;
      seen.set(name, (seen.get(name) ?? 0) + 1);
      return { ...mutant, id: short(`${name} ${seen.get(name)}`) };
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

function work(job) {
  const worker = new Worker(new URL("mutants/worker.mjs", import.meta.url), {
    workerData: {
      // Runs with results of their own (CI's sample beside a campaign) work in copies of their own.
      folder: join(root, "cache", "mutants", `${basename(results, ".jsonl")}-${job}`),
      files: files.filter((file) => wanted.some((mutant) => mutant.file === file)),
      checks: job === 0,
      isWhole: !values.sample,
    },
  });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", ({ mutant, ...result }) => {
      if (mutant) note(mutant, result);
      const next = Date.now() < deadline ? open.shift() : undefined;
      if (next) worker.postMessage(next);
      else worker.terminate().then(resolve);
    });
  });
}

function note({ id, file, line, operator, from, to }, result) {
  const entry = { commit, code, id, file, line, operator, from, to, ...result };
  known.set(id, entry);
  appendFileSync(results, JSON.stringify(entry) + "\n");
  console.log(`${result.outcome.padEnd(9)} ${id} ${file}:${line} ${operator}${result.by ? ` (${result.by})` : ""}`);
}

function report() {
  const judged = wanted.map(({ id }) => known.get(id)).filter((entry) => entry && entry.outcome !== "stillborn");
  const survivors = judged.filter(({ outcome }) => outcome === "survived");
  const explained = existsSync(join(root, "MUTANTS.md")) ? readFileSync(join(root, "MUTANTS.md"), "utf8") : "";
  const unexplained = survivors.filter(({ id }) => !explained.includes(id));
  for (const { id, file, line, operator, from, to } of survivors) {
    console.log(`survived ${id} ${file}:${line} ${operator}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`);
  }
  const killed = judged.length - survivors.length;
  const share = judged.length > 0 ? (100 * killed) / judged.length : 0;
  const left = wanted.filter(({ id }) => !known.has(id)).length;
  console.log(
    `${judged.length} mutants, ${killed} killed (${share.toFixed(1)} %), ${survivors.length} survived, ` +
      `${unexplained.length} of them unexplained; ${left} not judged yet; code ${code}`,
  );
  const isEnough = values.sample || values.only ? left === 0 : judged.length >= 60;
  process.exit(isEnough && share >= 95 && unexplained.length === 0 ? 0 : 1);
}
