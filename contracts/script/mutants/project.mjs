// A copy of the project to test mutants in: sources are compiled here, in one process that stays warm, and forge finds the
// result among its artifacts, so that only what a mutant changes is compiled and nothing else is.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, normalize } from "node:path";
import { root } from "../code-hash.mjs";
import { forge } from "../forge-binary.mjs";

const solc = createRequire(import.meta.url)("solc");
// As in foundry.toml: what the deployed code is compiled with. Project.check compares the bytes.
const settings = (name) => ({
  optimizer: { enabled: true, runs: 10000 },
  evmVersion: "osaka",
  viaIR: name === "src/BatchSettlement.sol",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  remappings: ["@openzeppelin/=node_modules/@openzeppelin/"],
  outputSelection: { [name]: { "*": ["evm.bytecode.object"] } },
});
// Far above what the suite takes on a busy machine: only a mutant that never ends runs into it.
const limitMilliseconds = 1_200_000;

export class Project {
  constructor(folder) {
    this.folder = join(folder, "contracts");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    for (const name of ["src", "test", "abi", "foundry.toml", "out", "cache/solidity-files-cache.json"]) {
      if (existsSync(join(root, name))) cpSync(join(root, name), join(this.folder, name), { recursive: true });
    }
    rmSync(join(this.folder, "test", "node"), { recursive: true, force: true });
    const openZeppelin = join("node_modules", "@openzeppelin");
    cpSync(join(root, openZeppelin), join(this.folder, openZeppelin), { recursive: true });
    cpSync(join(root, "..", "vectors"), join(folder, "vectors"), { recursive: true });
    symlinkSync(join(root, "solc"), join(this.folder, "solc"));
    this.sources = new Map();
    for (const name of readdirSync(this.folder + "/src", { recursive: true })) this.read(join("src", name));
    for (const name of readdirSync(this.folder + "/test", { recursive: true })) this.read(join("test", name));
  }

  /**
   * Builds what the copied artifacts lack, runs the suite on the code as it is (a test that this copy fails would kill
   * every mutant; invariants only if `isWhole`, for they read no files), and compares our compiler's bytes.
   */
  check(files, isWhole) {
    const { failure } = isWhole ? this.test() : this.run("--no-match-contract", "Invariants");
    if (failure) throw new Error(`The suite fails without any mutant: ${failure}`);
    for (const file of files) {
      const { artifacts, error } = this.compile(file, this.sources.get(file));
      if (error) throw new Error(error);
      for (const { path, bytecode } of artifacts) {
        const committed = JSON.parse(readFileSync(path, "utf8")).bytecode.object;
        if (committed !== bytecode) throw new Error(`${path} was not compiled with these settings.`);
      }
    }
  }

  /** The outcome of one mutant: {outcome: "killed" | "survived" | "stillborn", by}. */
  judge(file, text) {
    const { artifacts, error } = this.compile(file, text);
    if (error) return { outcome: "stillborn", by: error };
    const kept = artifacts.map(({ path }) => [path, readFileSync(path, "utf8")]);
    try {
      for (const { path, bytecode } of artifacts) {
        const artifact = JSON.parse(readFileSync(path, "utf8"));
        artifact.bytecode.object = bytecode;
        writeFileSync(path, JSON.stringify(artifact));
      }
      const { failure } = this.test();
      return failure ? { outcome: "killed", by: failure } : { outcome: "survived", by: "" };
    } finally {
      for (const [path, before] of kept) writeFileSync(path, before);
    }
  }

  /** All suites, the quick ones first; null or what failed. */
  test() {
    const quick = this.run("--no-match-contract", "Invariants");
    return quick.failure ? quick : this.run("--match-contract", "Invariants");
  }

  run(...filter) {
    const { status, stdout, stderr, error } = spawnSync(forge, ["test", "--fail-fast", ...filter], {
      cwd: this.folder,
      encoding: "utf8",
      timeout: limitMilliseconds,
      maxBuffer: 1 << 28,
      env: { ...process.env, FORGE_SNAPSHOT_EMIT: "false", NO_COLOR: "1" },
    });
    if (status === 0) return {};
    if (error?.code === "ETIMEDOUT") return { failure: "time" };
    const line = stdout?.match(/^\[FAIL[^\n]*\] (\w+)/m);
    const suite = stdout?.slice(0, line?.index).match(/Ran \d+ tests? for ([^\n]+)$/gm)?.at(-1);
    if (!line) throw new Error(`forge failed without a failed test: ${stdout}\n${stderr}\n${error ?? ""}`);
    return { failure: `${suite?.split("/").at(-1) ?? "?"} ${line[1]}` };
  }

  /** The artifacts that change with a file, freshly compiled with that text in its place. */
  compile(file, text) {
    const find = (path) => ({ contents: path === file ? text : (this.sources.get(path) ?? this.read(path)) });
    const artifacts = [];
    for (const name of this.dependents(file)) {
      const sources = { [name]: { content: find(name).contents } };
      const standard = JSON.stringify({ language: "Solidity", sources, settings: settings(name) });
      const { contracts, errors = [] } = JSON.parse(solc.compile(standard, { import: find }));
      const error = errors.find(({ severity }) => severity === "error");
      if (error) return { error: error.message };
      for (const [contract, { evm }] of Object.entries(contracts[name])) {
        if (!evm.bytecode.object) continue;
        const path = join(this.folder, "out", name.split("/").at(-1), `${contract}.json`);
        artifacts.push({ path, bytecode: `0x${evm.bytecode.object}` });
      }
    }
    return { artifacts };
  }

  /** The file itself and all files that import it, however far. */
  dependents(file) {
    const found = new Set([file]);
    for (let before = 0; before < found.size; ) {
      before = found.size;
      for (const [name, text] of this.sources) {
        const imports = [...text.matchAll(/^import [^"]*"([^"]+)";/gm)].map(([, path]) =>
          path.startsWith(".") ? normalize(join(dirname(name), path)) : path,
        );
        if (imports.some((path) => found.has(path))) found.add(name);
      }
    }
    return [...found].filter((name) => !name.includes("/interfaces/"));
  }

  read(name) {
    const path = join(this.folder, name.startsWith("@") ? join("node_modules", name) : name);
    if (!name.endsWith(".sol")) return undefined;
    const text = readFileSync(path, "utf8");
    if (!name.startsWith("node_modules")) this.sources.set(name, text);
    return text;
  }
}
