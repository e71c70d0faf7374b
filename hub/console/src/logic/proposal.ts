/** What takes two persons: the first proposes, a second one confirms. Pure. */
import type { Transition } from "../data/types";

/** The proposal that waits for a second person, if one does. */
export function openProposal(transitions: readonly Transition[]): Transition | null {
  let open: Transition | null = null;
  for (const each of [...transitions].sort((a, b) => a.seq - b.seq)) {
    if (each.action.startsWith("propose_")) open = each;
    // It lapses, or the case moves on, by what was proposed or by something else.
    else if (each.action === "proposal_lapsed" || each.action === "take_in" || each.from !== each.to)
      open = null;
  }
  return open;
}
