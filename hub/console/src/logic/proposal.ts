/** A P1 is ended by two persons: the first proposes, a second one confirms. Pure. */
import type { Transition } from "../data/types";

/** What happens to a proposal: it is made anew, carried out, or lapses when the case moves on. */
const ENDS = new Set(["close", "reject", "file", "proposal_lapsed"]);

/** The proposal that waits for a second person, if one does. */
export function openProposal(transitions: readonly Transition[]): Transition | null {
  let open: Transition | null = null;
  for (const each of [...transitions].sort((a, b) => a.seq - b.seq)) {
    if (each.action === "propose_close" || each.action === "propose_reject") open = each;
    else if (ENDS.has(each.action)) open = null;
  }
  return open;
}
