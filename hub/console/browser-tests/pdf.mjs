/**
 * The text of a PDF that Chromium made: enough to check what is on paper. Follows each page's fonts to
 * their tables of characters; knows no encryption, no object streams, no PDF of anybody else.
 */
import { inflateSync } from "node:zlib";

function objectsOf(bytes) {
  const text = bytes.toString("latin1");
  const objects = new Map();
  for (const match of text.matchAll(/(\d+) 0 obj\b([\s\S]*?)endobj/g)) {
    const [whole, id, body] = match;
    const begins = /stream\r?\n/.exec(body);
    const dictionary = begins ? body.slice(0, begins.index) : body;
    let stream = null;
    if (begins) {
      const from = match.index + whole.indexOf(body) + begins.index + begins[0].length;
      const length = Number(/\/Length (\d+)/.exec(dictionary)?.[1] ?? 0);
      const raw = bytes.subarray(from, from + length);
      stream = dictionary.includes("/FlateDecode")
        ? inflateSync(raw).toString("latin1")
        : raw.toString("latin1");
    }
    objects.set(Number(id), { dictionary, stream });
  }
  return objects;
}

const fromHex = (hex) =>
  String.fromCharCode(...(hex.match(/.{4}/g) ?? []).map((unit) => Number.parseInt(unit, 16)));

/** Character code → text, from a ToUnicode table. */
function tableOf(cmap) {
  const table = new Map();
  for (const [, block] of cmap.matchAll(/beginbfchar([\s\S]*?)endbfchar/g)) {
    for (const [, code, to] of block.matchAll(/<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>/g))
      table.set(Number.parseInt(code, 16), fromHex(to));
  }
  for (const [, block] of cmap.matchAll(/beginbfrange([\s\S]*?)endbfrange/g)) {
    for (const [, a, b, to] of block.matchAll(/<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>/g)) {
      const first = Number.parseInt(a, 16);
      const start = Number.parseInt(to, 16);
      for (let code = first; code <= Number.parseInt(b, 16); code++)
        table.set(code, String.fromCharCode(start + code - first));
    }
  }
  return table;
}

function fontsOf(objects, page) {
  const fonts = new Map();
  const resources = /\/Resources (\d+) 0 R/.exec(page);
  const dictionary = resources ? objects.get(Number(resources[1])).dictionary : page;
  for (const [, name, id] of dictionary.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
    const font = objects.get(Number(id)).dictionary;
    const unicode = /\/ToUnicode (\d+) 0 R/.exec(font);
    const bytes = /\/Subtype\s*\/Type0/.test(font) ? 2 : 1;
    fonts.set(name, { bytes, table: unicode ? tableOf(objects.get(Number(unicode[1])).stream) : new Map() });
  }
  return fonts;
}

function pageText(objects, page) {
  const fonts = fontsOf(objects, page);
  const contents = [...page.matchAll(/\/Contents (\d+) 0 R/g)].map(
    ([, id]) => objects.get(Number(id)).stream,
  );
  let font = { bytes: 1, table: new Map() };
  let text = "";
  const parts = /\/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|\(((?:\\.|[^\\)])*)\)|\bET\b/gs;
  for (const [whole, name, hex, literal] of contents.join("\n").matchAll(parts)) {
    if (name) font = fonts.get(name) ?? font;
    else if (whole === "ET") text += " ";
    else {
      const raw = literal === undefined ? Buffer.from(hex, "hex") : unescaped(literal);
      for (let at = 0; at + font.bytes <= raw.length; at += font.bytes)
        text += font.table.get(raw.readUIntBE(at, font.bytes)) ?? "";
    }
  }
  return text;
}

function unescaped(literal) {
  const plain = literal.replace(/\\([0-7]{1,3}|.)/gs, (_, code) => {
    const named = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" }[code];
    return named ?? (/^[0-7]+$/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : code);
  });
  return Buffer.from(plain, "latin1");
}

/** The text of each page. */
export function textOfPdf(bytes) {
  const objects = objectsOf(bytes);
  const pages = [...objects.values()].filter(({ dictionary }) => /\/Type\s*\/Page\b(?!s)/.test(dictionary));
  return pages.map(({ dictionary }) => pageText(objects, dictionary));
}

/** The size of the first page in millimetres. */
export function sizeOfPdf(bytes) {
  const [, width, height] = /\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(bytes.toString("latin1"));
  return [width, height].map((points) => Math.round((Number(points) / 72) * 25.4));
}
