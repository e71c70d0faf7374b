/** How a case is tied to others, as its history tells it: merged, split, or of one cause. Pure. */
import type { Case, Transition } from "../data/types";

export type How = "into" | "took" | "parted" | "partedFrom" | "related";

/** How two cases belong together, and the row of the history that says so. */
export interface Tie {
  id: number;
  how: How;
  row: Transition | undefined;
}

/** More than these are told by the history. */
const TIES_MAX = 30;

/** The newest row of one of these actions that names the other case. */
export function about(found: Case, actions: readonly string[], id: number): Transition | undefined {
  return found.transitions.filter((row) => actions.includes(row.action) && row.details?.case === id).at(-1);
}

function relatedTie(found: Case, id: number): Tie {
  const parted = about(found, ["split_off"], id);
  if (parted !== undefined) return { id, how: "parted", row: parted };
  const from = about(found, ["report"], id);
  if (from !== undefined) return { id, how: "partedFrom", row: from };
  return { id, how: "related", row: about(found, ["relate"], id) };
}

/** Pure: every case that this one is tied to, once. */
export function tiesOf(found: Case): Tie[] {
  const { merged, took_in = [] } = found.progress ?? {};
  const ties: Tie[] = [];
  if (merged) ties.push({ id: merged.case, how: "into", row: about(found, ["merge"], merged.case) });
  for (const id of took_in) ties.push({ id, how: "took", row: about(found, ["take_in"], id) });
  const known = new Set(ties.map((tie) => tie.id));
  for (const id of found.related ?? []) if (!known.has(id)) ties.push(relatedTie(found, id));
  return ties.slice(0, TIES_MAX);
}
