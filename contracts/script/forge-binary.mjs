// Where npm put forge itself. The package's own `forge` is a script that ends with 0 even when tests failed.
import { createRequire } from "node:module";

const architecture = process.arch === "x64" ? "amd64" : process.arch;
const file = process.platform === "win32" ? "forge.exe" : "forge";

export const forge = createRequire(import.meta.url).resolve(
  `@foundry-rs/forge-${process.platform}-${architecture}/bin/${file}`,
);
