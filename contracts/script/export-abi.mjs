// Writes abi/<Name>.json (ABI and creation bytecode) and abi/addresses.json for readers without forge, or with --check
// fails when the committed files differ from a fresh build.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const { keccak_256: keccak } = createRequire(import.meta.url)("js-sha3");

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const deployer = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
const salt = "0x" + "00".repeat(32);

// In order of deployment: each contract's constructor takes addresses of contracts before it, nothing else.
const contracts = {
  BatchSettlement: [],
  Erc3009DepositCollector: ["BatchSettlement"],
  DevelopmentCurrency: [],
  CustomerVault: null, // Made by the factory only.
  CustomerVaultFactory: [],
  ProviderRegistry: ["DevelopmentCurrency"],
};

const check = process.argv.includes("--check");
const forge = join(root, "script", "forge.mjs");
// In a place of its own: forge would take the artifacts of tests that it skips here for up to date.
const out = join(root, "cache", "abi", "out");
const build = [
  "build",
  "--force",
  "--skip",
  "test",
  "--skip",
  "script",
  "--out",
  out,
  "--cache-path",
  join(root, "cache", "abi"),
];
execFileSync(process.execPath, [forge, ...build], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });

const files = {};
const addresses = {};
for (const [name, constructorArguments] of Object.entries(contracts)) {
  const { abi, bytecode } = JSON.parse(readFileSync(join(out, `${name}.sol`, `${name}.json`), "utf8"));
  files[`${name}.json`] = { contractName: name, abi, bytecode: bytecode.object };
  if (constructorArguments) {
    const encoded = constructorArguments.map((other) => addresses[other].slice(2).padStart(64, "0")).join("");
    addresses[name] = create2(bytecode.object + encoded);
  }
}
files["addresses.json"] = { deployer, salt, constructorArguments: onlyDeployed(contracts), addresses };

const stale = Object.entries(files).filter(([file, content]) => !write(file, JSON.stringify(content, null, 2) + "\n"));
if (stale.length > 0) {
  console.error(`Stale in contracts/abi: ${stale.map(([file]) => file).join(", ")}. Run "npm run abi" in contracts/.`);
  process.exit(1);
}

function write(file, text) {
  const path = join(root, "abi", file);
  if (check) return existsSync(path) && readFileSync(path, "utf8") === text;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return true;
}

function create2(creationCode) {
  const preimage = "ff" + deployer.slice(2) + salt.slice(2) + keccak(bytes(creationCode));
  return "0x" + keccak(bytes(preimage)).slice(24);
}

function bytes(hex) {
  return Buffer.from(hex.replace(/^0x/, ""), "hex");
}

function onlyDeployed(all) {
  return Object.fromEntries(Object.entries(all).filter(([, constructorArguments]) => constructorArguments));
}
