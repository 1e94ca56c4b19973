// usage: node make_cases.mjs DIRECTORY FILE...   (npm package tokenizers, the reference implementation in Rust)
// For each FILE (a tokenizer.json, or kinds.json for all in it) writes DIRECTORY/NAME.cases.json: ids of every text in
// texts.json, and their text back. For kinds.json it also writes DIRECTORY/random.hashes.json: for each of its kinds and
// each published file beside it, one hash over every ten of random.json.gz's texts, as hashOf says.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { basename, dirname, join } from "node:path";

const require = createRequire(join(process.cwd(), "x.js"));
const { Tokenizer } = require("tokenizers");
const [directory, ...files] = process.argv.slice(2);
const here = dirname(new URL(import.meta.url).pathname);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const texts = read(join(here, "texts.json"));

function whole(kinds, name) {
  const { base, ...sections } = kinds[name] ?? read(join(here, `${name}.json`));
  if (!base) return sections;
  const full = { ...whole(kinds, base), ...sections };
  return { ...full, model: { ...whole(kinds, base).model, ...sections.model } };
}

async function write(name, tokenizer) {
  const cases = [];
  for (const text of texts) {
    const ids = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
    const all = await tokenizer.decode(ids, false);
    const plain = await tokenizer.decode(ids, true);
    cases.push(JSON.stringify([ids, all === text ? null : all, plain === all ? null : plain]));
  }
  writeFileSync(join(directory, `${name}.cases.json`), "[\n" + cases.join(",\n") + "\n]\n");
}

async function hashesOf(tokenizer, texts) {
  const hashes = [];
  for (let at = 0; at < texts.length; at += 10) {
    const hash = createHash("sha256");
    for (const text of texts.slice(at, at + 10)) {
      const ids = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
      const [all, plain] = [await tokenizer.decode(ids, false), await tokenizer.decode(ids, true)];
      hash.update(`${ids.join(",")}\n${all}\n${plain}\n`, "utf8");
    }
    hashes.push(hash.digest("hex").slice(0, 12));
  }
  return hashes.join(" ");
}

for (const file of files) {
  if (basename(file) === "kinds.json") {
    const kinds = read(file);
    for (const name of Object.keys(kinds)) {
      await write(name, Tokenizer.fromString(JSON.stringify(whole(kinds, name))));
    }
    const random = JSON.parse(gunzipSync(readFileSync(join(here, "random.json.gz"))));
    const hashes = {};
    for (const name of [...Object.keys(kinds), "llama2", "gemma3", "llama3", "qwen3", "deepseek_v3", "gpt4o"]) {
      hashes[name] = await hashesOf(Tokenizer.fromString(JSON.stringify(whole(kinds, name))), random);
    }
    writeFileSync(join(directory, "random.hashes.json"), JSON.stringify(hashes, null, 1) + "\n");
  } else {
    const name = file.endsWith("models/tokenizer.json") ? file.split("/").at(-3) : basename(file, ".json");
    await write(name, Tokenizer.fromFile(file));
  }
}
