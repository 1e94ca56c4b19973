// Writes the table of docs/guides/costs.md from snapshots/, which forge's gas tests have just written (`npm run gas:table`
// runs both), or with --check fails when the page differs. Either way it fails where a goal is missed.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "..", "docs", "guides", "costs.md");
const gas = (group, verb) => {
  const cost = JSON.parse(readFileSync(join(root, "snapshots", `${group}.json`), "utf8"))[verb];
  if (cost === undefined) throw new Error(`snapshots/${group}.json has no "${verb}"`);
  return Number(cost);
};
const claims = (verb, channels) => gas("escrow", `${verb}, ${channels} channel${channels > 1 ? "s" : ""}`);
const perFurther = (verb, channels) => (claims(verb, channels) - claims(verb, 1)) / (channels - 1);
const settle = gas("escrow", "settle, later");
const perRequest = (channels) => (claims("claimWithSignature", channels) + settle) / (channels * 1000);

const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: value < 1000 ? 1 : 0 });
const row = (...cells) => `| ${cells.map((cell) => (typeof cell === "number" ? number(cell) : cell)).join(" | ")} |`;
const rule = (columns) => `|${"---|".repeat(columns)}`;

const sizes = [1, 10, 100];
const lines = [
  row("one transaction", ...sizes.map((size) => `${size} channel${size > 1 ? "s" : ""}`), "each further channel"),
  rule(5),
  ...["claimWithSignature", "claim"].map((verb) =>
    row(`\`${verb}\``, ...sizes.map((size) => claims(verb, size)), perFurther(verb, 100)),
  ),
  "",
  row("once for each", "gas"),
  rule(2),
  row("receiver and many claims: `settle`", settle),
  row("channel: `deposit` by EIP-3009", gas("escrow", "deposit, new channel, EIP-3009")),
  row("channel: `deposit` from a vault", gas("vault", "draw, new channel, registered provider")),
  row("top-up by EIP-3009", gas("escrow", "deposit, top up, EIP-3009")),
  row("top-up from a vault", gas("vault", "draw, top up")),
  row("refund: `refundWithSignature`", gas("escrow", "refundWithSignature")),
  row("withdrawal: `initiateWithdraw`, `finalizeWithdraw`", withdrawal()),
  "",
  row("one paid request", "gas"),
  rule(2),
  row("1,000 requests on each of 100 channels, `claimWithSignature` and `settle`", perRequest(100)),
  row("the same on each of 10 channels", perRequest(10)),
  row("1,000 requests on one channel", perRequest(1)),
  row("a plain ERC-20 transfer of the same currency", gas("others", "ERC-20 transfer")),
  row("x402 `exact`: `transferWithAuthorization` of the same currency", gas("others", "x402 exact, EIP-3009")),
];

const goals = [
  ["each further channel in a claim", Math.max(perFurther("claimWithSignature", 100), perFurther("claim", 100)), 20_000],
  ["a request of 1,000 on each of 100 channels", perRequest(100), 25],
  ["a request of 1,000 on one channel", perRequest(1), 110],
];
const missed = goals.filter(([, measured, most]) => measured > most);
for (const [what, measured, most] of missed) console.error(`Gas of ${what}: ${number(measured)}, at most ${most}.`);

const text = readFileSync(page, "utf8");
const [start, end] = ["<!-- measured -->\n", "<!-- end -->"];
const [before, after] = [text.indexOf(start) + start.length, text.indexOf(end)];
if (before < start.length || after < before) throw new Error("docs/guides/costs.md has lost its marks");
const written = `${text.slice(0, before)}\n${lines.join("\n")}\n\n${text.slice(after)}`;
const isStale = process.argv.includes("--check") && written !== text;
if (isStale) console.error('docs/guides/costs.md is stale. Run "npm run gas:table" in contracts/.');
else writeFileSync(page, written);
console.log(lines.join("\n"));
process.exit(isStale || missed.length > 0 ? 1 : 0);

function withdrawal() {
  return gas("escrow", "initiateWithdraw") + gas("escrow", "finalizeWithdraw");
}
