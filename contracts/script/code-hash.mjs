// What results of long campaigns belong to: sources, tests and everything that decides how they are compiled.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

export const short = (text) => createHash("sha256").update(text).digest("hex").slice(0, 8);

/** A file without what no compiler reads. */
function said(name) {
  const text = readFileSync(join(root, name), "utf8");
  return name.endsWith(".sol") ? text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, "").replace(/\s+/g, " ") : text;
}

export function codeHash(...others) {
  const names = ["src", "test"]
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)))
    .filter((name) => name.endsWith(".sol"))
    .concat("foundry.toml", "package-lock.json", others)
    .sort();
  return short(names.map((name) => `${name} ${short(said(name))}`).join("\n"));
}
