/** The lines of the board: single cases, and groups of those that belong together. Pure. */
import type { CaseSummary } from "../data/types";
import { type Group, groupsOf } from "./groups";
import { byUrgency, type Filter, passes } from "./order";

/** A case by its number, a group by its key. */
export type Key = number | string;

export interface Line {
  key: Key;
  /** The case; of a group, the most urgent one. */
  found: CaseSummary;
  group: Group | null;
}

export const lineOf = (found: CaseSummary): Line => ({ key: found.id, found, group: null });

/** P1 first, then groups that a P1 belongs to, then by the most urgent case that a line holds. */
function byLine(a: Line, b: Line): number {
  const rank = ({ found, group }: Line) =>
    found.severity === "P1" ? 0 : group !== null && group.p1 > 0 ? 1 : 2;
  return rank(a) - rank(b) || byUrgency(a.found, b.found);
}

/**
 * The list of what is not in the zone of the P1: `cases` are all open ones, `shown` says which P1 have a card
 * there; those beyond are lines of their own and come first. The filter never touches a P1.
 */
export function linesOf(
  cases: Iterable<CaseSummary>,
  filter: Filter,
  shown: (found: CaseSummary) => boolean,
): Line[] {
  const wanted = [...cases].filter((found) => found.severity === "P1" || passes(filter, found));
  const groups = groupsOf(wanted);
  const grouped = new Set(groups.flatMap((group) => group.cases.map((found) => found.id)));
  const single = wanted.filter((found) => !grouped.has(found.id) && !shown(found));
  const lines = single.map(lineOf);
  for (const group of groups) {
    const [found] = group.cases;
    if (found !== undefined) lines.push({ key: group.key, found, group });
  }
  return lines.sort(byLine);
}
