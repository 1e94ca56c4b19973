// The example requests of OpenAI's published document, as its curl commands send them.

// What docs/guides/openai-api.md says is refused: things to fetch from elsewhere, and tools that OpenAI runs itself.
const REFUSED = {
  '/chat/completions': ['Image input'],
  '/responses': ['Image input', 'File input', 'Web search', 'File search'],
};

/** Every example of the served paths; a method that is not served answers 405. */
export function examplesOf(document, paths, own, models) {
  return paths.flatMap((path) => Object.entries(document.paths[path] ?? {}).flatMap(([method, operation]) => {
    const listed = operation?.['x-oaiMeta']?.examples ?? [];
    const model = path === '/embeddings' ? models.embedding : models.chat;
    return (Array.isArray(listed) ? listed : [listed]).flatMap((example, at) => {
      const curl = example.request?.curl ?? example.curl;
      if (!curl) {
        return [];
      }
      const id = `example of ${document.info.version}: ${method} ${path} ${example.title ?? at}`;
      const one = { id, method, path: path.replace('{model}', model), declared: path };
      if (!own.paths[`/v1${path}`][method]) {
        return [{ ...one, expected: { status: 405, code: 'method_not_allowed' } }];
      }
      if (method === 'get') {
        return [{ ...one, expected: 200 }];
      }
      const json = curl.match(/-d '(\{[\s\S]*\})'/)?.[1] ?? curl.match(/-d "(\{[\s\S]*\})"/)?.[1];
      const expected = REFUSED[path]?.includes(example.title) ? { status: 400 } : 200;
      return json ? [{ ...one, body: { ...JSON.parse(json), model }, expected }]
        : [{ ...one, body: {}, expected: 'no JSON body in the example' }];
    });
  }));
}
