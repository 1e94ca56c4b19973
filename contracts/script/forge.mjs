// Runs forge and ends with its exit code.
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { forge } from "./forge-binary.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

// Run in any folder, it is this project that it builds and tests.
const { status, signal, error } = spawnSync(forge, process.argv.slice(2), { cwd: root, stdio: "inherit" });
if (error) throw error;
process.exit(status ?? 128 + constants.signals[signal]);
