// Long invariant campaigns: pieces with a seed each, until the suites, each a third, have made as many calls as asked for.
//
//   node script/invariants.mjs [--calls 1000000] [--minutes 60] [--jobs 1] [--runs 100] [--depth 500]
//                              [--first-seed 1] [--results cache/invariants.jsonl]
//
// Each finished piece is a line in the result file, with the commit and a hash of sources, tests and settings; pieces of
// the same hash add up over runs and are not made again. Fails at a broken invariant, below the number of calls, and
// where a branch of a handler (each is named in its source by `hit`) was never taken.
import { spawn, execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { forge } from "./forge-binary.mjs";
import { codeHash, root } from "./code-hash.mjs";

const suites = ["Escrow", "Vault", "Registry"];
const names = ["calls", "minutes", "jobs", "runs", "depth", "first-seed", "results"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const number = (name, otherwise) => Number(values[name] ?? otherwise);
const [calls, runs, depth] = [number("calls", 1_000_000), number("runs", 100), number("depth", 500)];
const deadline = Date.now() + number("minutes", 60) * 60_000;
const results = join(root, values.results ?? "cache/invariants.jsonl");
const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
const code = codeHash();
mkdirSync(join(root, "cache", "invariants"), { recursive: true });
mkdirSync(dirname(results), { recursive: true });

const done = (existsSync(results) ? readFileSync(results, "utf8").trim().split("\n") : [])
  .filter(Boolean)
  .map((line) => JSON.parse(line))
  .filter((piece) => piece.code === code);
const built = spawnSync(forge, ["build"], { cwd: root, stdio: "ignore" });
if (built.status !== 0) throw new Error("forge build failed");

const pieces = suites.flatMap(missing);
await Promise.all(
  Array.from({ length: number("jobs", 1) }, async () => {
    while (pieces.length > 0 && Date.now() < deadline) await run(pieces.shift());
  }),
);
report();

/** The seeds whose pieces a suite still lacks. */
function missing(suite) {
  const needed = Math.ceil(calls / suites.length / (runs * depth));
  const seeds = Array.from({ length: needed }, (_, i) => number("first-seed", 1) + i);
  const has = (seed) => done.some((piece) => piece.suite === suite && piece.seed === seed && piece.calls >= runs * depth);
  return seeds.filter((seed) => !has(seed)).map((seed) => ({ suite, seed }));
}

async function run({ suite, seed }) {
  const branches = join("cache", "invariants", `${suite}-${seed}.txt`);
  rmSync(join(root, branches), { force: true });
  const start = performance.now();
  const flags = ["test", "--json", "--match-contract", `^${suite}Invariants$`, "--fuzz-seed", String(seed)];
  const child = spawn(forge, flags, {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      FOUNDRY_INVARIANT_RUNS: String(runs),
      FOUNDRY_INVARIANT_DEPTH: String(depth),
      INVARIANT_REPORT: branches,
      FORGE_SNAPSHOT_EMIT: "false",
    },
  });
  const [output, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Promise((resolve) => child.on("exit", resolve)),
  ]);
  const outcome = Object.values(JSON.parse(output.slice(output.indexOf("{"))))
    .flatMap((one) => Object.values(one.test_results))
    .at(0);
  const violation = status === 0 && outcome?.status === "Success" ? null : (outcome?.reason ?? `exit code ${status}`);
  const piece = {
    ...{ commit, code, suite, seed, runs, depth },
    calls: outcome?.kind?.Invariant?.calls ?? 0,
    seconds: Math.round(performance.now() - start) / 1000,
    violation,
    branches: countsIn(join(root, branches)),
  };
  rmSync(join(root, branches), { force: true });
  done.push(piece);
  appendFileSync(results, JSON.stringify(piece) + "\n");
  console.log(`${suite}, seed ${seed}: ${piece.calls} calls in ${piece.seconds} s${violation ? `, BROKEN: ${violation}` : ""}`);
}

function countsIn(file) {
  const counts = {};
  for (const line of existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []) {
    const [branch, count] = line.split("\t");
    counts[branch] = (counts[branch] ?? 0) + Number(count);
  }
  return counts;
}

function report() {
  let isGood = true;
  for (const suite of suites) {
    const own = done.filter((piece) => piece.suite === suite);
    const made = own.reduce((sum, piece) => sum + piece.calls, 0);
    const violations = own.filter(({ violation }) => violation);
    const counts = branchesOf(suite).map((branch) => [own.reduce((sum, piece) => sum + (piece.branches[branch] ?? 0), 0), branch]);
    const never = counts.filter(([count]) => count === 0).map(([, branch]) => branch);
    console.log(`${suite}: ${made} calls in ${own.length} pieces, ${violations.length} violations; code ${code}`);
    console.log(`  ${counts.length} branches: ${counts.map(([count, branch]) => `${branch} ${count}`).join(" | ")}`);
    for (const { seed, violation } of violations) console.log(`  seed ${seed}: ${violation}`);
    if (never.length > 0) console.log(`  never taken: ${never.join(" | ")}`);
    isGood &&= made >= calls / suites.length && violations.length === 0 && never.length === 0;
  }
  process.exit(isGood ? 0 : 1);
}

function branchesOf(suite) {
  const source = readFileSync(join(root, "test", "invariants", `${suite}Handler.sol`), "utf8");
  const calls = [...source.matchAll(/\bhit\([^;]*;/g)].map(([text]) => text);
  return [...new Set(calls.flatMap((text) => [...text.matchAll(/"([^"]+)"/g)].map(([, name]) => name)))];
}
