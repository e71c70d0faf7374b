/**
 * When the console rings. A P1 that nobody has acknowledged rings until somebody does; muting lasts
 * only until the next P1. Drills are marked and ring once, they never keep ringing. Pure.
 */
import type { CaseSummary } from "../data/types";
import { waits } from "./loop";

/** The P1 cases that must keep ringing. */
export function ringing(open: Iterable<CaseSummary>): Set<number> {
  const found = new Set<number>();
  for (const each of open) {
    if (each.severity === "P1" && waits(each) && !each.is_drill) found.add(each.id);
  }
  return found;
}

/** Whether to sound now: some ringing case is not among those that the officer has muted. */
export function mustSound(cases: ReadonlySet<number>, muted: ReadonlySet<number>): boolean {
  for (const id of cases) if (!muted.has(id)) return true;
  return false;
}

/** What is left of the muted set: a case that stopped ringing is not muted for a second time. */
export function stillMuted(cases: ReadonlySet<number>, muted: ReadonlySet<number>): Set<number> {
  return new Set([...muted].filter((id) => cases.has(id)));
}
