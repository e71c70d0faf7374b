/**
 * The open cases, from lists and events that may overlap, repeat and overtake each other. The version
 * of a case decides: a message about an older version changes nothing. Pure.
 */
import type { CaseSummary } from "../data/types";
import { isOpen } from "./loop";

export interface OpenCases {
  readonly open: ReadonlyMap<number, CaseSummary>;
  /** Cases that ended or were silenced lately, so that a late message does not bring one back; oldest first. */
  readonly ended: ReadonlyMap<number, CaseSummary>;
}

/** At most this many ended cases are remembered; a message later than that many endings is not seen. */
export const ENDED_MAX = 1000;

export const NO_CASES: OpenCases = { open: new Map(), ended: new Map() };

/**
 * Whether a case is for the eye now: open, and hidden by no silence. The hub silences no P1; should it ever say
 * so all the same, it is shown.
 */
function isShown(found: CaseSummary): boolean {
  return isOpen(found) && (!found.silenced || found.severity === "P1");
}

/** Takes in one case; gives the same object back when it says nothing new. */
export function applyCase(cases: OpenCases, found: CaseSummary): OpenCases {
  return applyCases(cases, [found]);
}

/** Takes in cases in the order in which they were told; the lists are copied once, however many there are. */
export function applyCases(cases: OpenCases, told: readonly CaseSummary[]): OpenCases {
  let changed: { open: Map<number, CaseSummary>; ended: Map<number, CaseSummary> } | null = null;
  for (const found of told) {
    const { open, ended } = changed ?? cases;
    const known = open.get(found.id)?.version ?? ended.get(found.id)?.version ?? Number.NEGATIVE_INFINITY;
    if (found.version <= known) continue;
    changed ??= { open: new Map(cases.open), ended: new Map(cases.ended) };
    put(changed.open, changed.ended, found);
  }
  return changed ?? cases;
}

function put(open: Map<number, CaseSummary>, ended: Map<number, CaseSummary>, found: CaseSummary): void {
  if (isShown(found)) {
    open.set(found.id, found);
    ended.delete(found.id);
    return;
  }
  open.delete(found.id);
  ended.set(found.id, found);
  const oldest = ended.keys().next();
  if (ended.size > ENDED_MAX && !oldest.done) ended.delete(oldest.value);
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
  const open = new Map(listed.map((found) => [found.id, found]));
  return applyCases({ open, ended: cases.ended }, meanwhile);
}
