// Decodes greedily with llama.cpp, equal sequences in one context, and says how long it took and what came out.
// Usage: node peer.mjs MODEL.gguf CONTEXT THREADS, then a line of JSON for each measurement:
// { prompt: [ids], tokens, batch, barred: id } -> { seconds, cpu, counted, ids: [[...]] }
import { createInterface } from 'node:readline'
import { getLlama, TokenBias } from 'node-llama-cpp'

const [file, context, threads] = process.argv.slice(2)
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'error',
  maxThreads: Number(threads) })
const model = await llama.loadModel({ modelPath: file })
console.log('loaded')

for await (const line of createInterface({ input: process.stdin })) {
  const { prompt, tokens, batch, barred } = JSON.parse(line)
  const held = await model.createContext({ sequences: batch, contextSize: Number(context),
    batchSize: Math.max(512, prompt.length * batch), threads: Number(threads), flashAttention: true })
  const tokenBias = new TokenBias(model.tokenizer).set(barred, 'never')
  const ids = Array.from({ length: batch }, () => [])
  let [begun, total, before, start, end] = [0, 0, 0, undefined, undefined]
  const now = () => {
    const { user, system } = process.cpuUsage()
    return { seconds: performance.now() / 1e3, cpu: (user + system) / 1e6, total }
  }
  // From when every sequence has a token until one has its last, as the engine is measured.
  await Promise.all(ids.map(async mine => {
    const sequence = held.getSequence()
    for await (const token of sequence.evaluate(prompt, { temperature: 0, tokenBias, yieldEogToken: true })) {
      mine.push(token)
      total++
      if (mine.length === 1 && ++begun === batch) start = now()
      if (mine.length === tokens) {
        end ??= now()
        break
      }
    }
  }))
  await held.dispose()
  console.log(JSON.stringify({ seconds: end.seconds - start.seconds, cpu: end.cpu - start.cpu,
    counted: end.total - start.total, ids }))
}
