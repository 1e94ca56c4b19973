// A visitor's browser on a hostile page. Every name leads to a proxy, as a hostile name server could arrange: it serves
// the page, and hands whatever else the page asks of its own name to the loopback port in the address, with the headers
// that the browser sent (DNS rebinding). Loopback addresses are reached directly, as browsers do.
//
// usage: node visitor.mjs CHROMIUM < {"page": ORIGIN, "tries": [{"name", "url", "init"}]}
// prints the page's report: [{"name", "status", "type", "body"} or {"name", "error"}]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const job = JSON.parse(await text(process.stdin));
const patience = 90_000;
let told;
const report = new Promise((resolve) => (told = resolve));

const script = async (tries) => {
  const seen = [];
  for (const { name, url, init } of tries) {
    try {
      const reply = await fetch(url, { ...init, signal: AbortSignal.timeout(5000) });
      seen.push({ name, status: reply.status, type: reply.type, body: (await reply.text()).slice(0, 2000) });
    } catch (error) {
      seen.push({ name, error: String(error) });
    }
  }
  await fetch("/report", { method: "POST", body: JSON.stringify(seen) });
};
const page = `<!doctype html><title>page</title><script>(${script})(${JSON.stringify(job.tries)})</script>`;

const proxy = http.createServer(async (asked, answer) => {
  const url = new URL(asked.url, job.page);
  if (url.pathname === "/attack") {
    answer.writeHead(200, { "content-type": "text/html" }).end(page);
  } else if (url.pathname === "/report") {
    told(JSON.parse(await text(asked)));
    answer.end();
  } else if (url.host === new URL(job.page).host) {
    const onward = http.request(
      { host: "127.0.0.1", port: url.port, method: asked.method, path: url.pathname, headers: asked.headers },
      (reply) => reply.pipe(answer.writeHead(reply.statusCode, reply.headers)),
    );
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  } else {
    answer.writeHead(404).end();
  }
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));

const profile = mkdtempSync(join(tmpdir(), "souk-visitor-"));
const browser = spawn(process.argv[2], [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  // What the browser itself keeps from local addresses is switched off: the services have to hold without it.
  "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,HttpsUpgrades",
  `--user-data-dir=${profile}`,
  `--proxy-server=http://127.0.0.1:${proxy.address().port}`,
  `${job.page}/attack`,
], { stdio: ["ignore", "ignore", "pipe"] });
let complaints = "";
browser.stderr.on("data", (bytes) => (complaints = (complaints + bytes).slice(-4000)));
const ended = new Promise((resolve) => browser.once("exit", resolve));
const late = new Promise((resolve) => setTimeout(resolve, patience).unref());
const seen = await Promise.race([report, ended, late]);
browser.kill("SIGKILL");
await ended;
rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
if (!Array.isArray(seen)) {
  console.error(`the page did not report: ${complaints}`);
  process.exit(1);
}
console.log(JSON.stringify(seen));
process.exit(0);
