/** Whether somebody is to take a shift over now. Pure. */

/** A shift can be taken over so long before it begins; the hub's own limit. */
const EARLY_MS = 30 * 60_000;

interface DeskNow {
  shift?: { from: string } | null;
  on_duty: readonly { username: string; role: string }[];
  next_hand_over?: { at: string; officers: readonly string[] } | null;
  last_takeover?: { shift_from: string; taken_by: string } | null;
}

/** Whether this person has taken this shift over already. */
function has(desk: DeskNow, username: string, from: string): boolean {
  const last = desk.last_takeover;
  return last?.taken_by === username && Date.parse(last.shift_from) === Date.parse(from);
}

/** True for an officer or shift leader of the present shift, or of one that begins within half an hour. */
export function mayTakeOver(desk: DeskNow, username: string, now: number): boolean {
  const next = desk.next_hand_over;
  if (next && Date.parse(next.at) - now <= EARLY_MS && next.officers.includes(username))
    return !has(desk, username, next.at);
  const here = desk.on_duty.some((each) => each.username === username && each.role !== "leader");
  return here && desk.shift != null && !has(desk, username, desk.shift.from);
}
