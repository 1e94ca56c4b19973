// usage: node make_cases.mjs DIRECTORY FILE...   (npm package tokenizers, the reference implementation in Rust)
// For each FILE (a tokenizer.json) writes DIRECTORY/NAME.cases.json: ids of every text in texts.json, and their text back.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const require = createRequire(join(process.cwd(), "x.js"));
const { Tokenizer } = require("tokenizers");
const [directory, ...files] = process.argv.slice(2);
const here = dirname(new URL(import.meta.url).pathname);
const texts = JSON.parse(readFileSync(join(here, "texts.json"), "utf8"));
for (const file of files) {
  const tokenizer = Tokenizer.fromFile(file);
  const cases = [];
  for (const text of texts) {
    const ids = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
    const whole = await tokenizer.decode(ids, false);
    const plain = await tokenizer.decode(ids, true);
    cases.push(JSON.stringify([ids, whole === text ? null : whole, plain === whole ? null : plain]));
  }
  const name = file.endsWith("models/tokenizer.json") ? file.split("/").at(-3) : basename(file, ".json");
  writeFileSync(join(directory, `${name}.cases.json`), "[\n" + cases.join(",\n") + "\n]\n");
}
