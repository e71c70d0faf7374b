/**
 * Who is at a desk by a roster, and when nobody is: the arithmetic of the hub (hub/src/roster/duty.rs and
 * timeline.rs), for showing what a roster means before it is saved. Pure.
 *
 * All times are instants. Local time comes in only where the day of a shift begins, by the hub's fixed offset from
 * UTC: there is no hour that a shift skips or has twice, and the browser's own time zone plays no part.
 */
import type { Roster, RosterShift } from "../data/rosters";

export const DAY_MINUTES = 1440;
const MINUTE_MS = 60_000;
export const DAY_MS = DAY_MINUTES * MINUTE_MS;

export const WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** What a roster is read by. */
export interface Local {
  /** Minutes east of UTC. */
  offsetMinutes: number;
  /** Whether a day, such as `2026-12-01`, has no working hours. */
  isOff: (date: string) => boolean;
  /** Sign-in names that nobody can sign in with: they leave their places empty. */
  gone: ReadonlySet<string>;
}

export interface OnDuty {
  username: string;
  /** In whose place, when somebody else is named in the shift. */
  insteadOf: string | null;
}

/** A time in which the same people are on duty in the same shift. Times are milliseconds since 1970. */
export interface Period {
  from: number;
  until: number;
  shift: { name: string; from: number; until: number } | null;
  officers: OnDuty[];
  shiftLeader: OnDuty | null;
  leader: OnDuty | null;
}

export interface Gap {
  from: number;
  until: number;
}

interface Occurrence {
  shift: RosterShift;
  from: number;
  until: number;
  crew: number;
}

/** Minutes since midnight of `08:00`; NaN for anything else. */
export function minutesOf(time: string): number {
  const found = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time);
  return found === null ? Number.NaN : Number(found[1]) * 60 + Number(found[2]);
}

/** The number of a day, counted from 1970-01-01; NaN for what is none. */
export function dayNumber(date: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) / DAY_MS : Number.NaN;
}

export const dateOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): Weekday => WEEKDAYS[(((day + 3) % 7) + 7) % 7] ?? "monday";

/** The number of the local day of an instant. */
export const localDay = (at: number, offsetMinutes: number) =>
  Math.floor((at + offsetMinutes * MINUTE_MS) / DAY_MS);

/** The instant of a minute of a local day. */
export const instantOf = (day: number, minute: number, offsetMinutes: number) =>
  day * DAY_MS + (minute - offsetMinutes) * MINUTE_MS;

/** A shift's length in minutes: up to a whole day, which `08:00` to `08:00` is. */
export function lengthOf(shift: Pick<RosterShift, "from" | "until">): number {
  const length = (minutesOf(shift.until) - minutesOf(shift.from) + DAY_MINUTES) % DAY_MINUTES;
  return length === 0 ? DAY_MINUTES : length;
}

function isWorked(shift: RosterShift, day: number, local: Local): boolean {
  const kind = shift.days ?? "every_day";
  if (kind !== "every_day" && (kind === "days_off") !== local.isOff(dateOf(day))) return false;
  const weekdays = shift.weekdays ?? [];
  return weekdays.length === 0 || weekdays.includes(weekdayOf(day));
}

/** The shift of a day, if it is worked on it; none of a shift that is not filled in yet. */
function occurrence(shift: RosterShift, day: number, local: Local): Occurrence | null {
  const since = day - dayNumber(shift.first_day);
  const from = minutesOf(shift.from);
  const filled = !Number.isNaN(since) && !Number.isNaN(from) && !Number.isNaN(minutesOf(shift.until));
  if (!filled || since < 0 || shift.crews.length === 0 || !isWorked(shift, day, local)) return null;
  const turn = Math.floor(since / Math.max(1, Math.trunc(shift.turn_days ?? 1) || 1));
  return {
    shift,
    from: instantOf(day, from, local.offsetMinutes),
    until: instantOf(day, from + lengthOf(shift), local.offsetMinutes),
    crew: turn % shift.crews.length,
  };
}

function occurrences(roster: Roster, local: Local, from: number, until: number): Occurrence[] {
  const found: Occurrence[] = [];
  // A shift is at most a day long: one that began two days before has ended.
  const last = localDay(until, local.offsetMinutes);
  for (let day = localDay(from, local.offsetMinutes) - 1; day <= last; day++) {
    for (const shift of roster.shifts ?? []) {
      const one = occurrence(shift, day, local);
      if (one !== null && one.until >= from && one.from <= until) found.push(one);
    }
  }
  return found.sort((a, b) => a.from - b.from);
}

const within = (at: number, span: { from: string; until: string }) =>
  Date.parse(span.from) <= at && at < Date.parse(span.until);

/** Who comes when this one is named; nobody when they are absent without a substitute. */
function whoComes(roster: Roster, local: Local, named: string, at: number): OnDuty | null {
  const instead = roster.substitutions?.find((one) => one.of === named && within(at, one));
  if (instead === undefined && roster.absences?.some((one) => one.who === named && within(at, one)))
    return null;
  const username = instead?.by ?? named;
  if (local.gone.has(username)) return null;
  return { username, insteadOf: instead === undefined ? null : named };
}

type Duty = Omit<Period, "from" | "until">;

function onDuty(roster: Roster, local: Local, shifts: readonly Occurrence[], at: number): Duty {
  const comes = (named: string | null | undefined) => (named ? whoComes(roster, local, named, at) : null);
  const duty: Duty = { shift: null, officers: [], shiftLeader: null, leader: comes(roster.leader) };
  for (const worked of shifts) {
    if (worked.from > at || at >= worked.until) continue;
    const crew = worked.shift.crews[worked.crew];
    duty.shift ??= { name: worked.shift.name, from: worked.from, until: worked.until };
    for (const named of crew?.officers ?? []) {
      const one = comes(named);
      if (one !== null && !duty.officers.some((other) => other.username === one.username))
        duty.officers.push(one);
    }
    duty.shiftLeader ??= comes(crew?.shift_leader);
  }
  return duty;
}

/** The periods of a stretch of time, without a hole and without an overlap. */
export function periods(roster: Roster, local: Local, from: number, until: number): Period[] {
  const shifts = occurrences(roster, local, from, until);
  const changes = [...(roster.substitutions ?? []), ...(roster.absences ?? [])];
  const bounds = [
    ...shifts.flatMap((one) => [one.from, one.until]),
    ...changes.flatMap((one) => [Date.parse(one.from), Date.parse(one.until)]),
  ].filter((at) => at > from && at < until);
  const edges = [...new Set([from, ...bounds, until])].sort((a, b) => a - b);
  const found: Period[] = [];
  let before = "";
  for (const [index, edge] of edges.slice(0, -1).entries()) {
    const duty = onDuty(roster, local, shifts, edge);
    const next = edges[index + 1] ?? until;
    const same = JSON.stringify(duty);
    const last = found.at(-1);
    if (last !== undefined && same === before) last.until = next;
    else found.push({ from: edge, until: next, ...duty });
    before = same;
  }
  return found;
}

/** When no officer has the desk; the last one ends with the stretch when it goes on. */
export function gapsOf(all: readonly Period[]): Gap[] {
  const gaps: Gap[] = [];
  for (const { from, until, officers } of all) {
    if (officers.length > 0) continue;
    const last = gaps.at(-1);
    if (last !== undefined && last.until === from) last.until = until;
    else gaps.push({ from, until });
  }
  return gaps;
}

/** A part of a day: minutes of the day from which until which a period lasts. */
export interface DayPart {
  from: number;
  /** 1440 for the end of the day. */
  until: number;
  period: Period;
}

export interface RosterDay {
  date: string;
  weekday: Weekday;
  off: boolean;
  parts: DayPart[];
}

/** The same by local days, each with its periods cut at midnight. */
export function daysOf(all: readonly Period[], local: Local): RosterDay[] {
  const days = new Map<number, RosterDay>();
  for (const period of all) {
    const last = localDay(period.until - 1, local.offsetMinutes);
    for (let day = localDay(period.from, local.offsetMinutes); day <= last; day++) {
      const date = dateOf(day);
      const found = days.get(day) ?? { date, weekday: weekdayOf(day), off: local.isOff(date), parts: [] };
      days.set(day, found);
      const minute = (at: number) => Math.floor((at - instantOf(day, 0, local.offsetMinutes)) / MINUTE_MS);
      found.parts.push({
        from: Math.max(0, minute(period.from)),
        until: Math.min(DAY_MINUTES, minute(period.until)),
        period,
      });
    }
  }
  return [...days.values()];
}

/** `480` → `20:00`-like words for a minute of the day; the end of the day is `24:00`. */
export function clockOf(minute: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** Every sign-in name in a roster, sorted. */
export function peopleIn(roster: Roster): string[] {
  const crews = (roster.shifts ?? []).flatMap((shift) => shift.crews);
  const named = crews.flatMap((crew) => [...crew.officers, crew.shift_leader ?? ""]);
  return [...new Set([...named, roster.leader ?? ""])].filter((each) => each !== "").sort();
}
