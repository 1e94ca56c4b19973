// Serves one GGUF file through inference-server and llama.cpp, on a free port of loopback that it prints.
// Usage: node server.mjs MODEL.gguf CONTEXT
import { InferenceServer, createExpressServer } from 'inference-server'

const [file, context] = process.argv.slice(2)
const models = new InferenceServer({
  log: 'warn',
  cachePath: process.env.SOUK_CACHE,
  models: {
    tiny: {
      task: 'text-completion',
      engine: 'node-llama-cpp',
      location: file,
      contextSize: Number(context),
      prepare: 'blocking',
      device: { gpu: false, cpuThreads: 1 },
    },
  },
})
await models.start()
const server = createExpressServer(models).listen(0, '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`)
})
// The test holds our standard input; when it ends, so do we.
process.stdin.resume().on('end', () => process.exit(0))
