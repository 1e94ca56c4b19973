// A development chain with Souk's contracts, for tests that look at them from outside.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { concatHex, createTestClient, encodeAbiParameters, http, publicActions, walletActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

const contracts = new URL("../../", import.meta.url);

export const { deployer, salt, constructorArguments, addresses } = read("abi/addresses.json");
export const specification = JSON.parse(readFileSync(new URL("x402.specification.json", import.meta.url), "utf8"));

export function artifact(name) {
  return read(`abi/${name}.json`);
}

// anvil's first account: it has gas, nothing else.
export const relayer = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

export async function startChain() {
  const anvil = spawn(
    fileURLToPath(new URL("node_modules/.bin/anvil", contracts)),
    ["--host", "127.0.0.1", "--port", "0"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const port = await new Promise((resolve, reject) => {
    let output = "";
    anvil.stdout.on("data", (data) => {
      output += data;
      const found = output.match(/Listening on 127\.0\.0\.1:(\d+)/);
      if (found) resolve(found[1]);
    });
    anvil.on("exit", (code) => reject(new Error(`anvil ended with ${code}: ${output}`)));
  });
  const client = createTestClient({
    account: relayer,
    chain: foundry,
    mode: "anvil",
    transport: http(`http://127.0.0.1:${port}`),
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
  return { client, stop: () => anvil.kill() };
}

// Deploys everything at its CREATE2 address through the deterministic deployment proxy.
export async function deployAll(client) {
  for (const [name, needs] of Object.entries(constructorArguments)) {
    const types = needs.map(() => ({ type: "address" }));
    await deploy(
      client,
      name,
      encodeAbiParameters(
        types,
        needs.map((other) => addresses[other]),
      ),
    );
  }
}

export async function deploy(client, name, encodedArguments = "0x") {
  const data = concatHex([salt, artifact(name).bytecode, encodedArguments]);
  const hash = await client.sendTransaction({ to: deployer, data });
  await client.waitForTransactionReceipt({ hash });
}

function read(path) {
  return JSON.parse(readFileSync(new URL(path, contracts), "utf8"));
}
