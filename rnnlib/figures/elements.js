// Elements, numbers and packed arrays: what every module of the figures needs.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// html("p", { class: "…" }, "text", child). In JupyterLab, keys belong to the control that has the focus, not to the notebook.
export function html(tag, attributes = {}, ...children) {
  const keys = /^(input|select|textarea|button)$/.test(tag) ? { "data-lm-suppress-shortcuts": "true" } : {};
  return build(document.createElement(tag), { ...keys, ...attributes }, children);
}

// svg("circle", { r: 4 })
export const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS(SVG, tag), attributes, children);

// text with `code`, _{low} and ^{high} as elements
export function rich(text) {
  const tags = { "`": "code", _: "sub", "^": "sup" };
  return text
    .split(/(`[^`]+`|_\{[^}]*\}|\^\{[^}]*\})/)
    .filter(Boolean)
    .map((part) =>
      /^`.+`$|^[_^]\{/.test(part) ? html(tags[part[0]], {}, part.replace(/^`|`$|^[_^]\{|\}$/g, "")) : part,
    );
}

// a number in a fixed number of digits, with a true minus sign and no negative zero
export function fixed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// an index of the list `values` whose entry is nearest to `value`
export const nearest = (values, value) =>
  values.reduce((best, v, n) => (Math.abs(v - value) < Math.abs(values[best] - value) ? n : best), 0);

export const visible = (character) => ({ "\n": "⏎", " ": "␣" })[character] ?? character;

// a packed array of rnnlib.figures.base.pack: { data: typed array, shape }; `scale` holds a factor for each column
export function unpack({ dtype, shape, data, scale }) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
  if (dtype === "float16") return { shape, data: Float32Array.from(new Uint16Array(bytes.buffer), half) };
  const types = {
    float32: Float32Array,
    float64: Float64Array,
    uint8: Uint8Array,
    uint16: Uint16Array,
    uint32: Uint32Array,
    int32: Int32Array,
    int8: Int8Array,
  };
  const numbers = new types[dtype](bytes.buffer);
  if (!scale) return { shape, data: numbers };
  const factors = unpack(scale).data;
  return { shape, data: Float32Array.from(numbers, (number, n) => number * factors[n % factors.length]) };
}

// the float16 number with these 16 bits
function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  return bits >> 15 ? -size : size;
}

// the fill of a value in [-1, 1]: blue above zero, orange below, pale enough for text on top of it
export function diverging(value, most = 52) {
  const share = Math.round(Math.min(1, Math.abs(value)) * most);
  return `color-mix(in oklab, var(--rf-${value < 0 ? "negative" : "positive"}) ${share}%, var(--rf-surface))`;
}
