// The example requests of OpenAI's published document, as its curl commands send them.

// What docs/guides/openai-api.md says is refused: things to fetch from elsewhere, and tools that OpenAI runs itself.
const REFUSED = {
  '/chat/completions': ['Image input'],
  '/responses': ['Image input', 'File input', 'Web search', 'File search'],
};

export function examplesOf(document, paths, model) {
  return paths.flatMap((path) => Object.entries(document.paths[path] ?? {}).flatMap(([method, operation]) => {
    const listed = operation?.['x-oaiMeta']?.examples ?? [];
    return (Array.isArray(listed) ? listed : [listed]).flatMap((example, at) => {
      const curl = example.request?.curl;
      if (!curl || !(method === 'post' || method === 'get')) {
        return [];
      }
      const id = `example ${method} ${path} ${example.title ?? at}`;
      if (method === 'get') {
        return path.includes('{') || path === '/models'
          ? [{ id, method, path: path.replace('{model}', model), declared: path, expected: 200 }] : [];
      }
      const json = curl.match(/-d '(\{[\s\S]*\})'/)?.[1] ?? curl.match(/-d "(\{[\s\S]*\})"/)?.[1];
      const expected = path === '/embeddings' ? 'any' : REFUSED[path]?.includes(example.title) ? { status: 400 } : 200;
      return json ? [{ id, path, body: { ...JSON.parse(json), model }, expected }]
        : [{ id, path, body: {}, expected: 'no JSON body in the example' }];
    });
  }));
}
