// Makes mutants of Solidity sources: each is one small change, in text, of one function. What the compiler refuses is
// no mutant; whoever runs them finds out.

const comparisons = { "==": ["!="], "!=": ["=="], "<": ["<=", ">="], ">": [">=", "<="], "<=": ["<", ">"], ">=": [">", "<"] };
const arithmetic = { "+": "-", "-": "+", "*": "/", "/": "*", "+=": "-=", "-=": "+=" };
const others = [
  [/&&/g, () => "||", "and to or"],
  [/\|\|/g, () => "&&", "or to and"],
  [/\btrue\b/g, () => "false", "true to false"],
  [/\bfalse\b/g, () => "true", "false to true"],
  [/\bmsg\.sender\b/g, () => "tx.origin", "sender to origin"],
  [/\b_actor\(\)/g, () => "msg.sender", "actor to sender"],
  [/\bMath\.min\b/g, () => "Math.max", "min to max"],
  [/\bMath\.max\b/g, () => "Math.min", "max to min"],
  [/(?<![\w.\]])\d+(?![\w.])/g, (text) => String(Number(text) + 1), "number plus one"],
  [/!(?=[\w_])/g, () => "", "negation dropped"],
];

/** All mutants of a source, in order: {line, operator, from, to, start, end}. */
export function mutantsOf(source) {
  const code = masked(source);
  const bodies = bodiesOf(code);
  const found = [];
  const add = (start, end, to, operator) => found.push({ start, end, to, operator });
  for (const [start, end] of bodies) {
    inBody(code, start, end, add);
  }
  outsideBodies(source, code, bodies, add);
  const seen = new Set();
  return found
    .map((mutant) => ({
      ...mutant,
      from: source.slice(mutant.start, mutant.end),
      line: source.slice(0, mutant.start).split("\n").length,
    }))
    .filter(({ start, end, to, from }) => from !== to && !seen.has(`${start} ${end} ${to}`) && seen.add(`${start} ${end} ${to}`))
    .sort((one, other) => one.start - other.start || one.end - other.end || (one.to < other.to ? -1 : 1));
}

export function apply(source, { start, end, to }) {
  return source.slice(0, start) + to + source.slice(end);
}

function inBody(code, start, end, add) {
  const body = code.slice(start, end);
  for (const { index, 0: match, 1: operator } of body.matchAll(/ (==|!=|<=|>=|<|>) /g)) {
    for (const to of comparisons[operator]) add(start + index + 1, start + index + match.length - 1, to, "comparison");
  }
  for (const { index, 0: match, 1: operator } of body.matchAll(/ (\+=|-=|\+|-|\*|\/) /g)) {
    add(start + index + 1, start + index + match.length - 1, arithmetic[operator], "arithmetic");
  }
  for (const { index, 0: match, 1: left, 2: right } of body.matchAll(/(?<![\w.)\]])([\w.]+) - ([\w.]+)/g)) {
    add(start + index, start + index + match.length, `${right} - ${left}`, "operands swapped");
  }
  for (const [pattern, to, name] of others) {
    for (const { index, 0: match } of body.matchAll(pattern)) {
      add(start + index, start + index + match.length, to(match), name);
    }
  }
  for (const { index } of body.matchAll(/\bif \(/g)) conditional(code, start + index, add);
  for (const { index } of body.matchAll(/ \? /g)) ternary(code, start, end, start + index, add);
  for (const [from, to] of statements(code, start, end)) add(from, to, "", "statement dropped");
  for (const { index } of body.matchAll(/\w\(/g)) swapped(code, start + index + 1, add);
}

/** `if (x) revert ...` loses the check; any other condition becomes true and false. */
function conditional(code, start, add) {
  const open = code.indexOf("(", start);
  const close = matching(code, open);
  const rest = code.slice(close + 1).match(/^\s*(\{\s*revert\b[^;]*;\s*\}|revert\b[^;]*;)/);
  if (rest) {
    add(start, close + 1 + rest[0].length, "", "check dropped");
    return;
  }
  add(open + 1, close, "true", "condition to true");
  add(open + 1, close, "false", "condition to false");
}

/** Either branch alone. */
function ternary(code, bodyStart, bodyEnd, question, add) {
  const colon = code.indexOf(" : ", question);
  const stop = code.slice(colon, bodyEnd).search(/;/) + colon;
  const first = code.slice(question + 3, colon);
  const second = code.slice(colon + 3, stop);
  add(question + 3, colon, second, "other branch");
  add(colon + 3, stop, first, "other branch");
}

/** Statements that change something: calls, assignments to what exists, emit, delete, increments. */
function* statements(code, start, end) {
  const pattern = /(?<=[;{})]\s*|\belse\s+)(?!return\b|revert\b|if\b|for\b|else\b|_;)((?:\+\+)?[a-zA-Z_][^;{}]*);/g;
  for (const { index, 1: text, 0: whole } of code.slice(start, end).matchAll(pattern)) {
    if (isInParentheses(code, start, start + index)) continue;
    const isDeclaration = /^[\w.\[\]]+( (memory|storage|calldata))? \w+( =|$)/.test(text) && !/^(emit|delete|new)\b/.test(text);
    if (!isDeclaration) yield [start + index, start + index + whole.length];
  }
}

/** The first two arguments of a call change places. */
function swapped(code, open, add) {
  const close = matching(code, open);
  const parts = argumentsOf(code, open, close);
  if (parts.length < 2) return;
  const [one, other] = parts;
  const text = `${code.slice(...other)}${code.slice(one[1], other[0])}${code.slice(...one)}`;
  add(one[0], other[1], text, "arguments swapped");
}

function outsideBodies(source, code, bodies, add) {
  for (const { index, 0: match } of code.matchAll(/\b(nonReentrant|onlyOwner)\b(?!\()/g)) {
    add(index, index + match.length, "", "modifier dropped");
  }
  for (const { index, 0: match, 1: number } of code.matchAll(/(?<= = )(\d+)(?= (minutes|hours|days);|;)/g)) {
    if (!bodies.some(([start, end]) => index >= start && index < end)) {
      add(index, index + match.length, String(Number(number) + 1), "number plus one");
    }
  }
  // Type hashes and domains: what is signed.
  for (const { index, 0: match } of source.matchAll(/"[^"\n]*"/g)) {
    if (!/^import/.test(source.slice(source.lastIndexOf("\n", index) + 1))) {
      add(index + match.length - 1, index + match.length - 1, "x", "text changed");
    }
  }
}

/** Comments and what is in quotes become blanks, so that offsets stay. */
function masked(source) {
  return source.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"[^"\n]*"/g, (text) => text.replace(/[^\n]/g, " "));
}

/** What is between the braces of functions, modifiers and constructors. */
function bodiesOf(code) {
  const bodies = [];
  for (const { index } of code.matchAll(/\b(function|modifier|constructor)\b/g)) {
    const open = code.slice(index).search(/[{;]/) + index;
    if (code[open] === "{") bodies.push([open + 1, matching(code, open)]);
  }
  return bodies;
}

function isInParentheses(code, start, at) {
  const before = code.slice(start, at);
  return before.split("(").length !== before.split(")").length;
}

function argumentsOf(code, open, close) {
  const parts = [];
  let [depth, start] = [0, open + 1];
  for (let i = open + 1; i <= close; i++) {
    if ("([{".includes(code[i])) depth++;
    if (i === close || (code[i] === "," && depth === 0)) {
      const text = code.slice(start, i);
      const lead = text.length - text.trimStart().length;
      if (text.trim()) parts.push([start + lead, start + text.trimEnd().length]);
      start = i + 1;
    }
    if (")]}".includes(code[i])) depth--;
  }
  return parts;
}

function matching(code, open) {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if ("([{".includes(code[i])) depth++;
    if (")]}".includes(code[i]) && --depth === 0) return i;
  }
  throw new Error(`Nothing closes what opens at ${open}.`);
}
