/** Whether somebody is to take a shift over now. Pure. */

/** A shift can be taken over so long before it begins; the hub's own limit. */
const EARLY_MS = 30 * 60_000;

interface DeskNow {
  shift?: { from: string } | null;
  on_duty: readonly { username: string; role: string }[];
  next_hand_over?: { at: string; officers: readonly string[] } | null;
}

interface Taken {
  shift_from: string;
  taken_by: string;
}

/** Whether this person has taken this shift over already. */
function has(taken: readonly Taken[], username: string, from: string): boolean {
  return taken.some((each) => each.taken_by === username && Date.parse(each.shift_from) === Date.parse(from));
}

/** True for an officer or shift leader of the present shift, or of one that begins within half an hour. */
export function mayTakeOver(desk: DeskNow, taken: readonly Taken[], username: string, now: number): boolean {
  const next = desk.next_hand_over;
  if (next && Date.parse(next.at) - now <= EARLY_MS && next.officers.includes(username))
    return !has(taken, username, next.at);
  const here = desk.on_duty.some((each) => each.username === username && each.role !== "leader");
  return here && desk.shift != null && !has(taken, username, desk.shift.from);
}
