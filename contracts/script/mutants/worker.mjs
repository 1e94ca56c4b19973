// One copy of the project, judging the mutants that it is sent, one after the other.
import { parentPort, workerData } from "node:worker_threads";
import { apply } from "./generate.mjs";
import { Project } from "./project.mjs";

const project = new Project(workerData.folder);
if (workerData.checks) project.check(workerData.files, workerData.isWhole);
parentPort.on("message", (mutant) => {
  const start = performance.now();
  const result = project.judge(mutant.file, apply(project.sources.get(mutant.file), mutant));
  parentPort.postMessage({ mutant, ...result, seconds: Math.round(performance.now() - start) / 1000 });
});
parentPort.postMessage({});
