/** Changing a roster before it is saved: parts added, moved and taken out, and what still has to be filled in. Pure. */
import type { Crew, Roster, RosterShift } from "../data/rosters";
import { dayNumber, lengthOf, minutesOf } from "./roster";

export const EMPTY_CREW: Crew = { officers: [] };

/** A roster for an area that has none. */
export const emptyRoster = (area: string): Roster => ({ area, shifts: [], substitutions: [], absences: [] });

/** The list with another value at a place. */
export const put = <T>(list: readonly T[], at: number, value: T): T[] =>
  list.map((each, index) => (index === at ? value : each));

export const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, index) => index !== at);

/** The list with the value at a place moved by `step`; unchanged where there is no such place. */
export function moved<T>(list: readonly T[], at: number, step: number): T[] {
  const next = [...list];
  const to = at + step;
  const one = next[at];
  if (one === undefined || to < 0 || to >= next.length) return next;
  next.splice(at, 1);
  next.splice(to, 0, one);
  return next;
}

/**
 * A shift to begin with: it goes on where the last one ends, as long as that one, with as many crews to fill in, so
 * that two of twelve hours make a day.
 */
export function nextShift(roster: Roster, today: string, names: readonly string[]): RosterShift {
  const shifts = roster.shifts ?? [];
  const last = shifts.at(-1);
  const taken = new Set(shifts.map((shift) => shift.name));
  const name = names.find((each) => !taken.has(each)) ?? "";
  const crews = (last?.crews ?? [EMPTY_CREW]).map(() => EMPTY_CREW);
  if (last === undefined || Number.isNaN(lengthOf(last)))
    return { name, from: "08:00", until: "20:00", first_day: today, turn_days: 1, crews };
  const end = (minutesOf(last.until) + lengthOf(last)) % 1440;
  const two = (n: number) => String(n).padStart(2, "0");
  const until = `${two(Math.floor(end / 60))}:${two(end % 60)}`;
  const { turn_days = 1, first_day } = last;
  return { name, from: last.until, until, first_day, turn_days, crews };
}

/** Something that must be filled in before the hub can read the roster. */
export interface Lack {
  what: "name" | "from" | "until" | "first_day" | "turn_days" | "crews" | "officers";
  /** Which shift, from 0, and its name. */
  shift: number;
  name: string;
  /** Which crew, from 0. */
  crew?: number;
}

function lacksOf(shift: RosterShift, at: number): Lack[] {
  const of = { shift: at, name: shift.name.trim() };
  const found: Lack[] = [];
  const need = (what: Lack["what"], there: boolean) => {
    if (!there) found.push({ what, ...of });
  };
  const { turn_days = 1 } = shift;
  need("name", of.name !== "");
  need("from", !Number.isNaN(minutesOf(shift.from)));
  need("until", !Number.isNaN(minutesOf(shift.until)));
  need("first_day", !Number.isNaN(dayNumber(shift.first_day)));
  need("turn_days", Number.isInteger(turn_days) && turn_days >= 1);
  need("crews", shift.crews.length > 0);
  for (const [crew, { officers }] of shift.crews.entries())
    if (officers.length === 0) found.push({ what: "officers", ...of, crew });
  return found;
}

/** What is still missing; everything else the hub looks at, and names. */
export const lacksIn = (roster: Roster): Lack[] => (roster.shifts ?? []).flatMap(lacksOf);

/** As it is sent: without what was left empty. */
export function tidy(roster: Roster): Roster {
  const { leader, ...rest } = roster;
  const crew = ({ officers, shift_leader }: Crew): Crew =>
    shift_leader ? { officers, shift_leader } : { officers };
  const shift = (each: RosterShift): RosterShift => ({
    ...each,
    name: each.name.trim(),
    crews: each.crews.map(crew),
  });
  const tidied = { ...rest, shifts: (rest.shifts ?? []).map(shift) };
  return leader ? { ...tidied, leader } : tidied;
}

/** Whether two rosters say the same. */
export const sameRoster = (a: Roster, b: Roster) => JSON.stringify(tidy(a)) === JSON.stringify(tidy(b));
