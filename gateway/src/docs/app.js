// Shows the OpenAPI document of this server, and calls it. Everything is built
// as DOM nodes: no text of the document is ever read as HTML.

const VERBS = ['get', 'put', 'post', 'patch', 'delete'];
const byId = (id) => document.getElementById(id);

/** An element with attributes or listeners, and children. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null));
  return element;
}

const api = await fetch('/api/openapi.json').then((answer) => answer.json());

/** What a `$ref` points to; keywords beside it win. */
function resolve(schema) {
  if (!schema?.$ref) return schema ?? {};
  const { $ref, ...beside } = schema;
  const target = $ref.slice(2).split('/').reduce((node, key) => node[key.replaceAll('~1', '/').replaceAll('~0', '~')], api);
  return { ...resolve(target), ...beside };
}

/** Text with paragraphs, `code` and lists. */
function prose(text = '') {
  return text.split('\n\n').filter(Boolean).map((paragraph) => {
    const lines = paragraph.split('\n');
    const isList = lines.every((line) => line.startsWith('- '));
    return isList ? h('ul', {}, lines.map((line) => h('li', {}, spans(line.slice(2))))) : h('p', {}, spans(paragraph));
  });
}

const spans = (text) => text.split('`').map((part, index) => (index % 2 ? h('code', {}, part) : part));

// Schemas.

/** The alternatives of a schema without null, and whether null is one. */
function alternatives(schema) {
  const whole = resolve(schema);
  if (whole.oneOf) {
    const others = whole.oneOf.map(resolve).filter((one) => one.type !== 'null');
    return { others, nullable: others.length < whole.oneOf.length };
  }
  if (!Array.isArray(whole.type)) return { others: [whole], nullable: false };
  const types = whole.type.filter((type) => type !== 'null');
  return { others: types.map((type) => ({ ...whole, type })), nullable: types.length < whole.type.length };
}

function typeName(schema) {
  const { others, nullable } = alternatives(schema);
  const names = others.map((one) => {
    if ('const' in one) return JSON.stringify(one.const);
    if (one.enum) return one.enum.filter((value) => value !== null).map((value) => JSON.stringify(value)).join(' | ');
    if (one.type === 'array') return `array of ${typeName(one.items)}`;
    return one.format === 'date-time' ? 'date-time' : one.type ?? 'anything';
  });
  return [...names, nullable && 'null'].filter(Boolean).join(' | ');
}

function bounds(schema) {
  const [whole] = alternatives(schema).others;
  const range = (low, high, unit) => {
    if (low === undefined && high === undefined) return null;
    if (high === undefined) return unit && low === 1 ? 'not empty' : `at least ${low}${unit}`;
    return low === undefined ? `at most ${high}${unit}` : `${low} to ${high}${unit}`;
  };
  return [
    range(whole?.minLength, whole?.maxLength, ' characters'),
    range(whole?.minimum, whole?.maximum, ''),
    range(whole?.minItems, whole?.maxItems, ' entries'),
  ].filter(Boolean).join(', ');
}

/** The object that a schema is or lists, if it has properties. */
function inner(schema) {
  for (const one of alternatives(schema).others) {
    const object = one.type === 'array' ? inner(one.items) : one;
    if (object?.properties) return object;
  }
  return null;
}

function row(name, schema, required, depth) {
  const nested = depth < 4 ? inner(schema) : null;
  const limits = bounds(schema);
  return h('li', {},
    h('div', { class: 'field' },
      h('code', { class: 'name' }, name),
      h('span', { class: 'type' }, typeName(schema)),
      required ? h('span', { class: 'required' }, 'required') : null,
      limits ? h('span', { class: 'bounds' }, limits) : null),
    prose(resolve(schema).description),
    nested ? fields(nested, depth + 1) : null);
}

function fields(schema, depth = 0) {
  const rows = Object.entries(schema.properties).map(([name, property]) =>
    row(name, property, depth === 0 && schema.additionalProperties === false && schema.required?.includes(name), depth));
  return h('ul', { class: 'fields' }, rows);
}

// Operations.

function operations() {
  return Object.entries(api.paths).flatMap(([path, verbs]) =>
    VERBS.filter((verb) => verbs[verb]).map((verb) => ({ path, verb, ...verbs[verb] })));
}

const badge = (verb) => h('span', { class: `verb ${verb}` }, verb.toUpperCase());
const json = (value) => JSON.stringify(value, null, 2);
const lines = (part) => part && { schema: part.schema.contentSchema, example: part.example };
const content = (part) => part?.content?.['application/json'] ?? lines(part?.content?.['application/x-ndjson']);

function section(title, ...children) {
  return h('section', {}, h('h4', {}, title), children);
}

/** A closed entry, which is filled when it is opened for the first time. */
function entry(operation) {
  const body = h('div', { class: 'body' });
  const details = h('details', { id: operation.operationId, class: 'operation' },
    h('summary', {}, badge(operation.verb), h('code', { class: 'path' }, operation.path),
      h('span', { class: 'summary' }, spans(operation.summary ?? ''))),
    body);
  details.addEventListener('toggle', () => {
    if (details.open && !body.hasChildNodes()) body.append(...describe(operation));
  });
  return details;
}

function describe(operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const body = content(operation.requestBody);
  const parts = [h('div', { class: 'prose' }, prose(operation.description))];
  for (const place of ['path', 'query', 'header']) {
    const here = parameters.filter((parameter) => parameter.in === place);
    if (here.length === 0) continue;
    const rows = here.map((one) => row(one.name, { ...resolve(one.schema), description: one.description }, one.required, 0));
    parts.push(section({ path: 'Path', query: 'Query', header: 'Headers' }[place], h('ul', { class: 'fields' }, rows)));
  }
  const bodyShape = body && inner(body.schema);
  if (bodyShape) parts.push(section('Body', fields(bodyShape)));
  parts.push(section('Answers', Object.entries(operation.responses).map(([status, one]) => answer(status, resolve(one)))));
  parts.push(section('Try it', attempt(operation, parameters, body)));
  return parts;
}

function answer(status, response) {
  const body = content(response);
  const shape = body && inner(body.schema);
  const title = [h('span', { class: `status s${status[0]}` }, status), h('span', {}, spans(response.description))];
  if (!body) return h('div', { class: 'answer' }, title);
  return h('details', { class: 'answer' }, h('summary', {}, title),
    body.example === undefined ? null : h('pre', {}, typeof body.example === 'string' ? body.example : json(body.example)),
    shape && status[0] === '2' ? fields(shape) : null);
}

// Trying.

function attempt(operation, parameters, body) {
  const inputs = parameters.map((parameter) => {
    const { enum: allowed } = resolve(parameter.schema);
    const attributes = { name: parameter.name, required: parameter.required };
    const input = allowed
      ? h('select', attributes, h('option', { value: '' }, '–'), allowed.map((value) => h('option', {}, value)))
      : h('input', { ...attributes, placeholder: parameter.example, autocomplete: 'off', spellcheck: 'false' });
    return { parameter, input };
  });
  const text = body ? h('textarea', { rows: Math.min(12, json(body.example ?? {}).split('\n').length), spellcheck: 'false', 'aria-label': 'Body' }) : null;
  if (text) text.value = json(body.example ?? {});
  const result = h('div', { class: 'result', 'aria-live': 'polite' });
  const send = async (event) => {
    event.preventDefault();
    const request = build(operation, inputs, text?.value);
    result.replaceChildren(h('p', {}, 'Waiting…'));
    result.replaceChildren(...(await call(request)));
  };
  return h('form', { class: 'try', onsubmit: send },
    inputs.map(({ parameter, input }) => h('label', {}, h('span', {}, parameter.name), input)),
    text, h('button', {}, 'Send'), result);
}

function build(operation, inputs, body) {
  let path = operation.path;
  const query = new URLSearchParams();
  const headers = { Accept: 'application/json, */*;q=0.1' };
  for (const { parameter, input } of inputs) {
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value === '') continue;
    else if (parameter.in === 'query') query.append(parameter.name, input.value);
    else headers[parameter.name] = input.value;
  }
  const token = byId('token').value.trim();
  const isOpen = operation.security?.length === 0;
  if (token && !isOpen) headers.Authorization = `Bearer ${token}`;
  const hasBody = body !== undefined && body.trim() !== '';
  if (hasBody) headers['Content-Type'] = 'application/json';
  const search = query.size ? `?${query}` : '';
  return { url: path + search, method: operation.verb.toUpperCase(), headers, body: hasBody ? body : undefined };
}

async function call({ url, ...request }) {
  const start = performance.now();
  try {
    const answer = await fetch(url, request);
    const text = await answer.text();
    const took = Math.round(performance.now() - start);
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    let value;
    try { value = JSON.parse(text); } catch { value = undefined; }
    const token = value?.data?.token;
    return [
      h('p', {}, h('span', { class: `status s${String(answer.status)[0]}` }, String(answer.status)), ` ${request.method} ${url} in ${took} ms`),
      typeof token === 'string' ? h('button', { type: 'button', onclick: () => { byId('token').value = token; } }, 'Use this token') : null,
      h('pre', {}, value === undefined ? text : json(value)),
      h('details', {}, h('summary', {}, 'Headers'), h('pre', {}, headers)),
    ].filter(Boolean);
  } catch (error) {
    return [h('p', { class: 'failed' }, `No answer: ${error.message}`)];
  }
}

// The page.

function openFromHash() {
  const details = byId(decodeURIComponent(location.hash.slice(1)));
  if (details?.matches('details')) {
    details.open = true;
    details.scrollIntoView();
  }
}

function filter(words) {
  for (const item of document.querySelectorAll('[data-text]')) {
    item.hidden = !words.every((word) => item.dataset.text.includes(word));
  }
  for (const group of document.querySelectorAll('[data-group]')) {
    group.hidden = !group.querySelector('[data-text]:not([hidden])');
  }
}

function show() {
  document.title = `${api.info.title} API`;
  byId('title').textContent = document.title;
  byId('intro').append(h('h1', {}, document.title, ' ', h('small', {}, api.info.version)), h('div', {}, prose(api.info.description)),
    h('p', {}, h('a', { href: '/api/openapi.json' }, 'openapi.json')));
  const all = operations();
  const groups = api.tags.map((tag) => ({ tag, members: all.filter((operation) => operation.tags.includes(tag.name)) }));
  byId('index').replaceChildren(...groups.map(({ tag, members }) => h('div', { 'data-group': true }, h('h3', {}, tag.name),
    members.map((one) => h('a', { href: `#${one.operationId}`, 'data-text': `${one.operationId} ${one.path} ${one.verb} ${one.summary}`.toLowerCase() },
      badge(one.verb), h('span', {}, one.operationId))))));
  byId('operations').replaceChildren(...groups.map(({ tag, members }) =>
    h('section', { class: 'tag' }, h('h2', {}, tag.name), prose(tag.description), members.map(entry))));
  byId('search').addEventListener('input', (event) => filter(event.target.value.toLowerCase().split(/\s+/)));
  byId('token-form').addEventListener('submit', (event) => event.preventDefault());
  addEventListener('hashchange', openFromHash);
  openFromHash();
}

show();
