// Installs the pinned npm packages from the lock file and shows on the terminal that it does: `dotnet run` keeps the output
// of a build to itself, and a first build takes a while.
import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function openTerminal() {
  try {
    return openSync(process.platform === "win32" ? "CON" : "/dev/tty", "w");
  } catch {
    return undefined; // No terminal: the build's own log has to do.
  }
}

const terminal = openTerminal();
const say = (text) => {
  if (terminal !== undefined) writeSync(terminal, text);
};

say("Souk: first build. Fetching anvil, forge, solc and OpenZeppelin from npm ");
const ticking = setInterval(() => say("."), 1000);
const npm = spawn("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
  cwd: root,
  stdio: "inherit",
  shell: process.platform === "win32",
});
npm.on("error", (error) => {
  clearInterval(ticking);
  say(`\nSouk: npm did not start (${error.message}).\n`);
  process.exit(1);
});
npm.on("close", (code) => {
  clearInterval(ticking);
  say(code === 0 ? " done. Compiling takes a minute or two ...\n" : `\nSouk: 'npm ci' ended with ${code}.\n`);
  if (terminal !== undefined) closeSync(terminal);
  process.exit(code ?? 1);
});
