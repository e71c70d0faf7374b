/**
 * The open cases, from lists and events that may overlap, repeat and overtake each other. The version
 * of a case decides: a message about an older version changes nothing. Pure.
 */
import type { CaseSummary } from "../data/types";
import { isOpen } from "./loop";

export interface OpenCases {
  readonly open: ReadonlyMap<number, CaseSummary>;
  /** Cases that ended lately, so that a late message does not bring one back; oldest first. */
  readonly ended: ReadonlyMap<number, CaseSummary>;
}

/** At most this many ended cases are remembered; a message later than that many endings is not seen. */
export const ENDED_MAX = 1000;

export const NO_CASES: OpenCases = { open: new Map(), ended: new Map() };

/** Takes in one case; gives the same object back when it says nothing new. */
export function applyCase(cases: OpenCases, found: CaseSummary): OpenCases {
  const known =
    cases.open.get(found.id)?.version ?? cases.ended.get(found.id)?.version ?? Number.NEGATIVE_INFINITY;
  if (found.version <= known) return cases;
  const open = new Map(cases.open);
  const ended = new Map(cases.ended);
  if (isOpen(found)) {
    open.set(found.id, found);
    ended.delete(found.id);
  } else {
    open.delete(found.id);
    ended.set(found.id, found);
    const oldest = ended.keys().next();
    if (ended.size > ENDED_MAX && !oldest.done) ended.delete(oldest.value);
  }
  return { open, ended };
}

/**
 * A freshly loaded list, with the events that came in while it was loading. What is neither in the list
 * nor in those events is no longer open.
 */
export function applyList(
  cases: OpenCases,
  listed: readonly CaseSummary[],
  meanwhile: readonly CaseSummary[],
): OpenCases {
  let result: OpenCases = { open: new Map(listed.map((found) => [found.id, found])), ended: cases.ended };
  for (const found of meanwhile) result = applyCase(result, found);
  return result;
}
