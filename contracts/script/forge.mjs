// Runs forge and ends with its exit code. The npm package's own `forge` ends with 0 even when tests failed.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const architecture = process.arch === "x64" ? "amd64" : process.arch;
const file = process.platform === "win32" ? "forge.exe" : "forge";
const binary = createRequire(import.meta.url).resolve(
  `@foundry-rs/forge-${process.platform}-${architecture}/bin/${file}`,
);

// Run in any folder, it is this project that it builds and tests.
const { status, signal, error } = spawnSync(binary, process.argv.slice(2), { cwd: root, stdio: "inherit" });
if (error) throw error;
process.exit(status ?? 128 + constants.signals[signal]);
