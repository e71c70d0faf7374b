/** What a silence is about, in words. Pure. */
import type { Silence } from "../data/admin";

export type Matcher = Silence["matcher"];
export type MatcherField = "area" | "site" | "device" | "category" | "kind";

/** From the wide to the narrow, whatever the order of the hub's answer. */
export const MATCHER_FIELDS: readonly MatcherField[] = ["area", "site", "device", "category", "kind"];

/** The name of what a field holds; undefined where it is not known: then its code is all that can be said. */
export type NameOf = (field: MatcherField, code: string, matcher: Matcher) => string | undefined;

export interface MatcherPart {
  field: MatcherField;
  name: string;
  /** The code beside the name; null where the name is the code. */
  code: string | null;
}

export function partsOf(matcher: Matcher, nameOf: NameOf): MatcherPart[] {
  return MATCHER_FIELDS.flatMap((field) => {
    const code = matcher[field];
    if (code === undefined || code === null || code === "") return [];
    const name = nameOf(field, code, matcher) || code;
    return [{ field, name, code: name === code ? null : code }];
  });
}

/** What is sent: without what was left empty, and without a device where no site is chosen, which has none. */
export function matcherOf(filled: Readonly<Partial<Record<MatcherField, string>>>): Matcher {
  const matcher: Matcher = {};
  for (const field of MATCHER_FIELDS) {
    const value = filled[field]?.trim();
    if (value && (field !== "device" || filled.site?.trim())) matcher[field] = value;
  }
  return matcher;
}
