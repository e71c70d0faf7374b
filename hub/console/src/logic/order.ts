/**
 * The order of the board, and how it is held still. What is under the cursor must never move: while a
 * list is held, its rows stay where they are, ended cases stay as ended, and new ones wait outside. Pure.
 */
import type { CaseSummary, Severity } from "../data/types";
import { waits } from "./loop";

/** Most severe first, then oldest first; the running number settles ties. */
export function byUrgency(a: CaseSummary, b: CaseSummary): number {
  if (a.severity !== b.severity) return a.severity < b.severity ? -1 : 1;
  if (a.opened_at !== b.opened_at) return a.opened_at < b.opened_at ? -1 : 1;
  return a.id - b.id;
}

/**
 * As `byUrgency`, but what nobody has acknowledged comes before what somebody has, and real cases before
 * drills among both.
 */
export function unacknowledgedFirst(a: CaseSummary, b: CaseSummary): number {
  const rank = (found: CaseSummary) => (waits(found) ? 0 : 2) + (found.is_drill ? 1 : 0);
  return rank(a) - rank(b) || byUrgency(a, b);
}

export interface Filter {
  severities: ReadonlySet<Severity>;
  site: string | null;
}

/** Whether a case passes the filter. An empty set of severities lets all pass. */
export function passes(filter: Filter, found: CaseSummary): boolean {
  if (filter.severities.size > 0 && !filter.severities.has(found.severity)) return false;
  return filter.site === null || found.site.id === filter.site;
}

export interface Held<K> {
  /** What to show, in this order. */
  shown: K[];
  /** New ones that wait until the list is let go. */
  waiting: K[];
}

/**
 * The order to show. `before` is what is on the screen, `wanted` what the order would be now. With
 * `append`, new ones are added at the end instead of waiting: that moves nothing either, and a new P1
 * must be seen at once.
 */
export function hold<K>(before: readonly K[], wanted: readonly K[], held: boolean, append: boolean): Held<K> {
  if (!held) return { shown: [...wanted], waiting: [] };
  const present = new Set(before);
  const fresh = wanted.filter((id) => !present.has(id));
  return append ? { shown: [...before, ...fresh], waiting: [] } : { shown: [...before], waiting: fresh };
}

/** The key `step` rows from `from` in the order shown; the first or last when there is no such row. */
export function neighbour<K>(shown: readonly K[], from: K | null, step: number): K | null {
  if (shown.length === 0) return null;
  const at = from === null ? -1 : shown.indexOf(from);
  if (at === -1) return (step > 0 ? shown[0] : shown[shown.length - 1]) ?? null;
  return shown[Math.max(0, Math.min(shown.length - 1, at + step))] ?? null;
}
