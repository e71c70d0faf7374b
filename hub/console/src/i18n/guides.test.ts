/**
 * The guides in docs/guides name what is on the screen: words in bold, pages as addresses, keys in `<kbd>`,
 * pictures, commands. Each of them must be there, in the guide's own language.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { routeOf } from "../logic/paths";
import { en } from "./en";
import { zh } from "./zh";

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const GUIDES = "docs/guides";
const LANGUAGES = { zh, en } as const;
type Language = keyof typeof LANGUAGES;
const languages = Object.keys(LANGUAGES) as Language[];

const ROLES = [
  "administrator",
  "auditor",
  "checker",
  "dispatcher",
  "duty-officer",
  "handler",
  "installer",
  "leader",
  "shift-leader",
  "supervisor",
];
/** A page of A4 in 10 points. */
const LINES_MAX = 50;
const LETTERS_MAX = { zh: 2000, en: 4200 } as const;

/** Every sentence and word of a language that stands on the screen as it is. */
function words(of: unknown, found = new Set<string>()): Set<string> {
  if (typeof of === "string") found.add(of);
  else if (typeof of === "object" && of !== null) for (const each of Object.values(of)) words(each, found);
  return found;
}

const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? "");
const read = (language: Language, name: string) =>
  readFileSync(at(`${GUIDES}/${language}/${name}.md`), "utf8");
const names = (language: Language) =>
  readdirSync(at(`${GUIDES}/${language}`))
    .map((file) => file.replace(/\.md$/, ""))
    .sort();

/** Bold text that begins a paragraph is a heading of the guide; everything else in bold is on the screen. */
function quoted(text: string): string[] {
  const body = text.replace(/\n\n\*\*[^*]+\*\*/g, "");
  return all(body, /\*\*([^*]+)\*\*/g).map((each) => each.replace(/\s+/g, " "));
}

/** `hub audit verify` → the file of that command. */
function commandFile(command: string): string | null {
  const [program, first] = command.split(" ");
  if (first === undefined || first === "run") return null;
  const file = first.replaceAll("-", "_");
  if (program === "edge-agent") return `edge-agent/src/cli/${file}.rs`;
  return program === "hub" ? `hub/src/cli/${file}.rs` : null;
}

describe.each(languages)("the guides in %s", (language) => {
  test("there is one for every role", () => {
    expect(names(language)).toEqual(ROLES);
  });

  test.each(ROLES)("%s: one page, and everything it names is there", (name) => {
    const text = read(language, name);
    expect(text.split("\n").length).toBeLessThanOrEqual(LINES_MAX);
    expect(text.length).toBeLessThanOrEqual(LETTERS_MAX[language]);

    const screen = words(LANGUAGES[language]);
    const found = quoted(text);
    expect(found.length).toBeGreaterThan(8);
    expect(found.filter((each) => !screen.has(each))).toEqual([]);

    const code = all(text, /`([^`]+)`/g);
    const paths = code.filter((each) => each.startsWith("/"));
    expect(paths.length).toBeGreaterThan(0);
    const unknown = paths.filter((path) => {
      const route = routeOf(path);
      if (route.page !== "admin") return route.page === "unknown";
      return route.section !== "" && !(route.section in LANGUAGES[language].admin.sections);
    });
    expect(unknown).toEqual([]);
    const files = code.map(commandFile).filter((file) => file !== null);
    expect(files.filter((file) => !existsSync(at(file)))).toEqual([]);

    const help = readFileSync(at("hub/console/src/parts/keys-help.tsx"), "utf8");
    expect(all(text, /<kbd>([^<]+)<\/kbd>/g).filter((key) => !help.includes(`"${key}"`))).toEqual([]);

    const images = all(text, /!\[[^\]]+\]\(([^)]+)\)/g);
    expect(images).toEqual([`../images/${name}-${language}.webp`]);
  });
});
