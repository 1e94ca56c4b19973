// What apps do through LangChain.js and Vercel's AI SDK: chat, stream, tool loop, structured output, and an error. In:
// {baseURL, apiKey, model, plainModel} on stdin. Out: what each of them got.
import fs from 'node:fs';
import { ChatOpenAI } from '@langchain/openai';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langTool } from '@langchain/core/tools';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const { baseURL, apiKey, model, plainModel, paths } = JSON.parse(fs.readFileSync(0, 'utf8'));
const Weather = z.object({ city: z.string(), degrees: z.number() });
const question = 'What is the weather in Berlin?';
const outcomes = [];

async function attempt(framework, what, run) {
  try {
    outcomes.push({ framework, what, result: await run(), error: null });
  } catch (error) {
    outcomes.push({ framework, what, result: null, error: {
      name: error.name, status: error.status ?? error.statusCode ?? null, message: String(error.message),
    } });
  }
}

async function langchain() {
  const name = 'LangChain.js';
  const make = (more) => new ChatOpenAI({
    model, apiKey, maxRetries: 0, configuration: { baseURL }, useResponsesApi: false, ...more,
  });
  const asked = [new SystemMessage('Be brief.'), new HumanMessage(question)];
  await attempt(name, 'chat', async () => {
    const reply = await make().invoke(asked);
    return { text: reply.content, tokens: reply.usage_metadata.total_tokens };
  });
  await attempt(name, 'plain', async () => (await make({ model: plainModel, temperature: 0, maxTokens: 24 })
    .invoke('What is 12 plus 30?')).content);
  await attempt(name, 'stream', async () => {
    let text = '';
    let pieces = 0;
    let tokens = 0;
    for await (const piece of await make({ streamUsage: true }).stream(asked)) {
      text += piece.content;
      pieces += 1;
      tokens = piece.usage_metadata?.total_tokens ?? tokens;
    }
    return { text, pieces, tokens };
  });
  await attempt(name, 'tools', async () => {
    const weather = langTool(({ city }) => `It is sunny in ${city}`, {
      name: 'get_weather', description: 'The weather of a city.', schema: z.object({ city: z.string() }),
    });
    const bound = make().bindTools([weather]);
    const first = await bound.invoke(asked);
    const call = first.tool_calls[0];
    const told = new ToolMessage({ content: await weather.invoke(call.args), tool_call_id: call.id });
    const last = await bound.invoke([...asked, first, told]);
    return { call: { name: call.name, args: call.args }, text: last.content };
  });
  await attempt(name, 'streamed tools', async () => {
    const weather = { type: 'function', function: { name: 'get_weather', parameters: {
      type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } };
    let all;
    for await (const piece of await make().bindTools([weather]).stream(asked)) {
      all = all ? all.concat(piece) : piece;
    }
    return { name: all.tool_calls[0].name, args: all.tool_calls[0].args };
  });
  await attempt(name, 'structured', async () => make().withStructuredOutput(Weather, { method: 'jsonSchema' }).invoke(asked));
  await attempt(name, 'structured by tool', async () =>
    make().withStructuredOutput(Weather, { method: 'functionCalling' }).invoke(asked));
  await attempt(name, 'error', () => make({ model: 'souk-nobody' }).invoke(asked));
  if (paths.includes('/responses')) {
    await attempt(name, 'responses', async () => {
      const reply = await make({ useResponsesApi: true }).invoke(asked);
      return { text: reply.text ?? reply.content, tokens: reply.usage_metadata?.total_tokens };
    });
  }
}

async function aisdk(name, language) {
  const call = { model: language(model), system: 'Be brief.', prompt: question, maxRetries: 0 };
  await attempt(name, 'chat', async () => {
    const reply = await generateText(call);
    return { text: reply.text, tokens: reply.usage.totalTokens, reason: reply.finishReason };
  });
  await attempt(name, 'plain', async () =>
    (await generateText({ ...call, model: language(plainModel), system: undefined, prompt: 'What is 12 plus 30?',
      temperature: 0, maxOutputTokens: 24 })).text);
  await attempt(name, 'stream', async () => {
    const reply = streamText(call);
    let text = '';
    let pieces = 0;
    for await (const piece of reply.textStream) {
      text += piece;
      pieces += 1;
    }
    return { text, pieces, tokens: (await reply.usage).totalTokens };
  });
  const tools = { get_weather: tool({
    description: 'The weather of a city.', inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `It is sunny in ${city}`,
  }) };
  await attempt(name, 'tools', async () => {
    const reply = await generateText({ ...call, tools, stopWhen: stepCountIs(3) });
    const made = reply.steps[0].toolCalls[0];
    return { call: { name: made.toolName, args: made.input }, text: reply.text, steps: reply.steps.length };
  });
  await attempt(name, 'streamed tools', async () => {
    const reply = streamText({ ...call, tools, stopWhen: stepCountIs(3) });
    let text = '';
    for await (const piece of reply.textStream) {
      text += piece;
    }
    const made = (await reply.steps)[0].toolCalls[0];
    return { name: made.toolName, args: made.input, text };
  });
  await attempt(name, 'structured', async () =>
    (await generateText({ ...call, output: Output.object({ schema: Weather }) })).output);
  await attempt(name, 'error', () => generateText({ ...call, model: language('souk-nobody') }));
}

await langchain();
const openai = createOpenAI({ baseURL, apiKey });
await aisdk('AI SDK openai (chat)', (id) => openai.chat(id));
if (paths.includes('/responses')) {
  await aisdk('AI SDK openai (responses)', (id) => openai.responses(id));
}
const compatible = createOpenAICompatible({
  name: 'souk', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true,
});
await aisdk('AI SDK openai-compatible', (id) => compatible(id));
process.stdout.write(JSON.stringify(outcomes));
