// The corpus: for every parameter of OpenAI's requests its usual values, and every mistake that an app makes. What a
// case expects: 200, or the status and the code (or param) of the error; and with which code a model that has not got
// what it takes may refuse.
const user = (content) => ({ role: 'user', content });
const hello = [user('What is 12 plus 30?')];
const tool = {
  type: 'function',
  function: {
    name: 'get_weather', description: 'The weather of a city.',
    parameters: {
      type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'kelvin'] } },
      required: ['city', 'unit'], additionalProperties: false,
    },
  },
};
const called = { role: 'assistant', content: null, tool_calls: [
  { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Berlin"}' } }] };
const schema = { type: 'object', properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'], additionalProperties: false };
const pixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC';
const refused = (param, code = 'unsupported_parameter') => ({ status: 400, param, code });

/** Parameter -> its values; a value is [value, expected, further fields]. */
const CHAT = {
  messages: [
    [[{ role: 'system', content: 'Be brief.' }, ...hello]],
    [[{ role: 'developer', content: 'Be brief.' }, ...hello]],
    [[{ role: 'system', content: [{ type: 'text', text: 'Be brief.' }] }, user([{ type: 'text', text: 'Hi' }])]],
    [[{ role: 'user', content: 'Hi', name: 'ann' }]],
    [[...hello, { role: 'assistant', content: '42.' }, user('Sure?')]],
    [[...hello, { role: 'assistant', content: [{ type: 'text', text: '42.' }] }, user('Sure?')]],
    [[...hello, { role: 'assistant', refusal: 'No.' }, user('Please.')]],
    [[user('Weather?'), called, { role: 'tool', tool_call_id: 'call_1', content: 'Sunny' }], 200, { tools: [tool] }],
    [[user([{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: pixel, detail: 'low' } }])], 200,
      {}, 'image_not_supported'],
    [[user([{ type: 'image_url', image_url: { url: 'https://images.example/cat.png' } }])], { status: 400 }],
    [[user([{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }])], { status: 400 }],
    [[user([{ type: 'file', file: { file_id: 'file-1' } }])], { status: 400 }],
    [[], { status: 400, param: 'messages' }],
    ['Hi', { status: 400, param: 'messages' }],
    [[{ role: 'robot', content: 'Hi' }], { status: 400 }],
    [[{ role: 'user' }], { status: 400 }],
  ],
  model: [['MODEL'], ['souk-nobody', { status: 404, code: 'model_not_found', param: 'model' }],
    ['', { status: 400, param: 'model' }], [7, { status: 400, param: 'model' }]],
  audio: [[{ voice: 'alloy', format: 'wav' }, refused('audio')]],
  frequency_penalty: [[0], [1.5], [-2], [2.5, { status: 400, param: 'frequency_penalty' }]],
  function_call: [['auto', refused('function_call'), { functions: undefined }]],
  functions: [[[{ name: 'f', parameters: { type: 'object', properties: {} } }], refused('functions')]],
  logit_bias: [[{ 50: -100, 51: 10 }], [{ x: 1 }, { status: 400, param: 'logit_bias' }],
    [{ 5: 101 }, { status: 400, param: 'logit_bias' }]],
  logprobs: [[true], [false]],
  max_completion_tokens: [[2], [64], [-1, { status: 400, param: 'max_completion_tokens' }],
    ['many', { status: 400, param: 'max_completion_tokens' }]],
  max_tokens: [[2], [64], [1.5, { status: 400, param: 'max_tokens' }]],
  metadata: [[{ purpose: 'test' }]],
  modalities: [[['text']], [['text', 'audio'], { status: 400, param: 'modalities' }]],
  moderation: [[{ model: 'omni-moderation-latest' }]],
  n: [[1], [3], [0, { status: 400, param: 'n' }], [129, { status: 400 }]],
  parallel_tool_calls: [[true, 200, { tools: [tool] }], [false, 200, { tools: [tool] }]],
  prediction: [[{ type: 'content', content: 'The answer is 42.' }]],
  presence_penalty: [[0], [-1.5], [2], [-3, { status: 400, param: 'presence_penalty' }]],
  prompt_cache_key: [['bucket-1']],
  prompt_cache_options: [[{}]],
  prompt_cache_retention: [['24h'], ['in_memory']],
  reasoning_effort: [['low'], ['none'], ['high']],
  response_format: [[{ type: 'text' }], [{ type: 'json_object' }],
    [{ type: 'json_schema', json_schema: { name: 'weather', schema, strict: true } }],
    [{ type: 'json_schema', json_schema: { name: 'weather', schema } }],
    [{ type: 'yaml' }, { status: 400 }], [{ type: 'json_schema' }, { status: 400 }]],
  safety_identifier: [['user-1']],
  seed: [[7], [-9007199254740991], ['x', { status: 400, param: 'seed' }]],
  service_tier: [['auto'], ['default']],
  stop: [['42'], [['42', 'x']], [null], [7, { status: 400, param: 'stop' }]],
  store: [[false], [true]],
  stream: [[false], [true], ['yes', { status: 400, param: 'stream' }]],
  stream_options: [[{ include_usage: true }, 200, { stream: true }], [{ include_obfuscation: false }, 200, { stream: true }],
    [{ include_usage: true }, { status: 400, param: 'stream_options' }]],
  temperature: [[0], [0.7], [2], [2.1, { status: 400, param: 'temperature' }], ['hot', { status: 400, param: 'temperature' }]],
  tool_choice: [['auto', 200, { tools: [tool] }], ['none', 200, { tools: [tool] }], ['required', 200, { tools: [tool] }],
    [{ type: 'function', function: { name: 'get_weather' } }, 200, { tools: [tool] }],
    ['sometimes', { status: 400 }, { tools: [tool] }]],
  tools: [[[tool]], [[{ ...tool, function: { ...tool.function, strict: true } }]],
    [[{ type: 'custom', custom: { name: 'c' } }], { status: 400 }], [[{ type: 'function' }], { status: 400 }]],
  top_logprobs: [[3, 200, { logprobs: true }], [2, { status: 400, param: 'top_logprobs' }],
    [21, { status: 400, param: 'top_logprobs' }, { logprobs: true }]],
  top_p: [[1], [0.1], [1.5, { status: 400, param: 'top_p' }]],
  user: [['user-1']],
  verbosity: [['low']],
  web_search_options: [[{}, refused('web_search_options')]],
};

const COMPLETION = {
  model: [['MODEL'], ['souk-nobody', { status: 404, code: 'model_not_found' }]],
  prompt: [['Say this is a test'], [['Say this is a test']], ['', 200, {}, 'invalid_prompt'], [7, { status: 400, param: 'prompt' }]],
  best_of: [[1], [2, { status: 400, param: 'best_of', code: 'unsupported_value' }]],
  echo: [[false], [true]],
  frequency_penalty: [[0.5]],
  logit_bias: [[{ 50: -100 }]],
  logprobs: [[null], [2]],
  max_tokens: [[1], [7], [-1, { status: 400 }]],
  n: [[1], [2]],
  presence_penalty: [[0.5]],
  seed: [[7]],
  stop: [['test'], [['test', '\n']]],
  stream: [[false], [true]],
  stream_options: [[{ include_usage: true }, 200, { stream: true }]],
  suffix: [[' The end.', refused('suffix')]],
  temperature: [[0], [1], [3, { status: 400 }]],
  top_p: [[0.5]],
  user: [['user-1']],
};

const EMBEDDING = {
  model: [['MODEL'], ['souk-nobody', { status: 404, code: 'model_not_found' }]],
  input: [['The food was delicious'], [['one', 'two']], [[1, 2, 3]], [7, { status: 400 }],
    [[], { status: 400 }]],
  dimensions: [[96], [8, { status: 400, code: 'invalid_dimensions' }], [0, { status: 400 }]],
  encoding_format: [['float'], ['base64'], ['hex', { status: 400 }]],
  user: [['user-1']],
};

const RESPONSE = {
  access_programs: [[[]]],
  background: [[false], [true, refused('background')]],
  context_management: [[[{ type: 'compaction', compact_threshold: 1000 }]]],
  conversation: [['conv_1', refused('conversation')]],
  image: [[{}]],
  include: [[[]], [['message.output_text.logprobs']]],
  input: [['What is 12 plus 30?'], [[user('What is 12 plus 30?')]],
    [[{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }]], [7, { status: 400 }]],
  instructions: [['Be brief.']],
  max_output_tokens: [[16], [64]],
  max_tool_calls: [[1]],
  metadata: [[{ purpose: 'test' }]],
  model: [['MODEL'], ['souk-nobody', { status: 404, code: 'model_not_found' }]],
  moderation: [[{ model: 'omni-moderation-latest' }]],
  parallel_tool_calls: [[true], [false]],
  previous_response_id: [['resp_1', refused('previous_response_id')]],
  prompt: [[{ id: 'pmpt_1' }, refused('prompt')]],
  prompt_cache_key: [['bucket-1']],
  prompt_cache_options: [[{}]],
  prompt_cache_retention: [['24h']],
  reasoning: [[{ effort: 'low' }]],
  safety_identifier: [['user-1']],
  service_tier: [['auto']],
  store: [[false], [true]],
  stream: [[false], [true]],
  stream_options: [[{ include_obfuscation: false }, 200, { stream: true }]],
  temperature: [[0], [1]],
  text: [[{ format: { type: 'text' } }], [{ format: { type: 'json_schema', name: 'weather', schema, strict: true } }]],
  tool_choice: [['auto', 200, { tools: [{ type: 'function', ...tool.function, strict: true }] }]],
  tools: [[[{ type: 'function', ...tool.function, strict: true }]], [[{ type: 'web_search' }], { status: 400 }]],
  top_logprobs: [[2]],
  top_p: [[0.5]],
  truncation: [['disabled'], ['auto']],
  user: [['user-1']],
};

export const CORPUS = {
  '/chat/completions': { base: { messages: hello }, parameters: CHAT },
  '/completions': { base: { prompt: 'Say this is a test', max_tokens: 7 }, parameters: COMPLETION },
  '/embeddings': { base: { input: 'The food was delicious' }, parameters: EMBEDDING },
  '/responses': { base: { input: 'What is 12 plus 30?' }, parameters: RESPONSE },
};

/** Cases of a path for a model. */
export function casesOf(path, model) {
  const { base, parameters } = CORPUS[path];
  return Object.entries(parameters).flatMap(([name, values]) => values.map(([value, expected = 200, more = {}, lack], at) => ({
    id: `${path} ${name}[${at}] on ${model}`, path, parameter: name, expected, lack,
    body: { model, ...base, ...more, [name]: value === 'MODEL' ? model : value },
  })));
}

/** Mistakes that are none of a parameter's. */
export const MISTAKES = [
  { id: 'no key', path: '/models', method: 'get', key: null, expected: { status: 401, code: 'invalid_api_key' } },
  { id: 'wrong key', path: '/models', method: 'get', key: 'sk-souk-00', expected: { status: 401, code: 'invalid_api_key' } },
  { id: 'no budget', path: '/chat/completions', poor: true, body: { messages: hello },
    expected: { status: 402, code: 'insufficient_quota' } },
  { id: 'unknown model', path: '/models/souk-nobody', method: 'get', expected: { status: 404, code: 'model_not_found' } },
  { id: 'unknown URL', path: '/files', method: 'get', expected: { status: 404, code: 'unknown_url' } },
  { id: 'wrong method', path: '/chat/completions', method: 'get', expected: { status: 405, code: 'method_not_allowed' } },
  { id: 'deleting a model', path: '/models/souk-scripted', method: 'delete', expected: { status: 405 } },
  { id: 'no JSON', path: '/chat/completions', raw: '{"model":', expected: { status: 400 } },
  { id: 'no object', path: '/chat/completions', raw: '[]', expected: { status: 400 } },
  { id: 'no body', path: '/chat/completions', raw: '', expected: { status: 400 } },
  { id: 'no model', path: '/chat/completions', raw: '{"messages":[]}', expected: { status: 400, param: 'model' } },
  { id: 'no messages', path: '/chat/completions', body: {}, expected: { status: 400, param: 'messages' } },
  { id: 'repeated member', path: '/chat/completions', raw: '{"model":"a","model":"b","messages":[]}', expected: { status: 400 } },
  { id: 'too deep', path: '/chat/completions', raw: '['.repeat(500), expected: { status: 400 } },
  { id: 'too large', path: '/chat/completions', raw: `"${'x'.repeat(9 << 20)}"`, expected: { status: 413 } },
  { id: 'too long a prompt', path: '/chat/completions', model: 'souk-demo', body: { messages: [user('word '.repeat(4000))] },
    expected: { status: 400, code: 'context_length_exceeded' } },
  { id: 'nobody offers it', path: '/chat/completions', model: 'souk-ghost', body: { messages: hello },
    expected: { status: 503, code: 'no_provider_available' } },
  { id: 'reused idempotency key', path: '/chat/completions', headers: { 'idempotency-key': 'reused' }, twice: true,
    body: { messages: hello }, expected: { status: 400, code: 'idempotency_key_reused' } },
  { id: 'unknown fields are passed over', path: '/chat/completions',
    body: { messages: hello, a_field_of_tomorrow: { deep: [1] } }, expected: 200 },
];

/** One path of each part of OpenAI's API that docs/guides/openai-api.md says is not served. */
export const NOT_SERVED = [
  'get /chat/completions/chatcmpl-1', 'delete /chat/completions/chatcmpl-1', 'get /chat/completions/chatcmpl-1/messages',
  'get /responses/resp_1', 'post /responses/resp_1/cancel', 'post /responses/compact', 'post /responses/input_tokens',
  'post /audio/speech', 'post /images/generations', 'post /videos', 'post /moderations', 'get /files', 'post /uploads',
  'get /batches', 'get /fine_tuning/jobs', 'get /evals', 'get /assistants', 'post /threads', 'post /conversations',
  'get /containers', 'get /vector_stores', 'post /realtime/sessions', 'get /skills', 'post /chatkit/sessions',
  'get /organization/users', 'get /projects/proj_1/roles',
].map((one) => ({
  id: `not served: ${one}`, method: one.split(' ')[0], path: one.split(' ')[1], body: {},
  expected: { status: 404, code: 'unknown_url' },
}));
