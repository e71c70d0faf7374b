/** The words of the screen in the chosen language. Both dictionaries have the same keys by type. */
import { computed } from "@preact/signals";
import { ApiError } from "../data/http";
import type { CaseSummary, Kind, Text, Value } from "../data/types";
import { areaInWords, headline as headlineIn, placeInWords, said as saidIn } from "../logic/place";
import { language } from "../logic/settings";
import { moment, parts } from "../logic/time";
import { en } from "./en";
import { zh } from "./zh";

export type Dictionary = typeof zh;

/** The present dictionary: `t.value.board.title`. */
export const t = computed<Dictionary>(() => (language.value === "zh" ? zh : en));

export const said = (text: Text | null | undefined) => saidIn(text, language.value);
export const inPlace = (place: Parameters<typeof placeInWords>[0]) => placeInWords(place, language.value);
export const inArea = (path: Parameters<typeof areaInWords>[0]) => areaInWords(path, language.value);
export const headline = (found: CaseSummary) => headlineIn(found, language.value);
export const span = (ms: number) => t.value.span(parts(ms));
export const ago = (ms: number) => t.value.ago(parts(ms));

/** A time as the officer reads it; empty for a time that is missing. */
export const at = (time: string | null | undefined, nowMs: number) =>
  time ? moment(Date.parse(time), nowMs) : "";

/** What the dictionary has under a code of the hub; codes such as `__proto__` are only codes. */
function entry<T>(words: Record<string, T>, code: string): T | undefined {
  return Object.hasOwn(words, code) ? words[code] : undefined;
}

/** The name of a kind; one that this console does not know is shown by its code. */
export const kindName = (kind: Kind) => entry(t.value.kind, kind) ?? kind;

export const rateName = (rate: string) => entry(t.value.rate, rate) ?? rate;

/** What was done, in words of the audit. */
export const deedName = (action: string) =>
  entry<string>(t.value.admin.audit.did, action) ?? actionName(action);

export const actionName = (action: string) => entry(t.value.action, action) ?? action;

/** A value with its unit, states in words. */
export function valueInWords(
  kind: Kind,
  value: Value,
  unit: string | null | undefined,
  state: boolean,
): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || state) {
    const [on, off] = entry(t.value.states, kind) ?? [t.value.value.on, t.value.value.off];
    return value === true || value === 1 ? on : off;
  }
  const rounded = Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
  return unit ? `${rounded} ${unit}` : rounded;
}

/** What went wrong with a request, for people. */
export function problemInWords(error: unknown): string {
  if (error instanceof ApiError) {
    return error.problem.detail ?? error.problem.title ?? t.value.errors.status(error.problem.status);
  }
  return t.value.errors.line;
}
