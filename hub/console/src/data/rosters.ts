/** Rosters: read, changed and taken away; who may be named in one; and what a preview is reckoned by. */
import { part } from "../logic/part";
import { type CalendarYear, type Person, readCalendar } from "./admin";
import { readDuty } from "./desks";
import { ApiError, query, request, requestAll } from "./http";
import type { Role, Schemas } from "./types";

export type Crew = Schemas["Crew"];
export type RosterShift = Schemas["Shift"];
export type Roster = Schemas["Roster"];
export type RosterView = Schemas["RosterView"];

export const readRoster = (area: string) => request<RosterView>("GET", `/rosters/${part(area)}`);
export const writeRoster = (roster: Roster, version: number) =>
  request<RosterView>("PUT", `/rosters/${part(roster.area)}`, { version, roster });
export const removeRoster = (area: string, version: number) =>
  request<void>("DELETE", `/rosters/${part(area)}${query({ version })}`);

/** Whether the hub refused because somebody else changed it meanwhile. */
export const isStale = (error: unknown): boolean => error instanceof ApiError && error.problem.status === 409;

/** Every problem that the hub names; empty for a failure of another kind. */
export function problemsOf(error: unknown): string[] {
  if (!(error instanceof ApiError) || error.problem.status !== 422) return [];
  return (error.problem.detail ?? "").split("\n").filter((each) => each !== "");
}

/** Roles of those who may sit at a desk or be called there; grid workers and handlers, the most by far, have none. */
const DESK_ROLES: readonly Role[] = [
  "duty_officer",
  "shift_leader",
  "dispatcher",
  "supervisor",
  "leader",
  "administrator",
];

/** Who can be named in a roster; null for those whom the hub does not tell, shift leaders among them. */
export async function readDeskPeople(): Promise<Person[] | null> {
  try {
    const all = await Promise.all(DESK_ROLES.map((role) => requestAll<Person>("/users", 200, { role })));
    return all.flat();
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 403) return null;
    throw error;
  }
}

/** What a roster is reckoned by. */
export interface RosterFacts {
  /** The hub's local time, in minutes east of UTC. */
  offsetMinutes: number;
  years: CalendarYear[];
}

const DAY_MS = 86_400_000;

export async function readRosterFacts(nowMs: number, days: number): Promise<RosterFacts> {
  // A day more on both sides: wherever the hub is, it is one of these days there.
  const year = (ahead: number) => new Date(nowMs + ahead * DAY_MS).getUTCFullYear();
  const wanted = [...new Set([year(-1), year(days + 1)])];
  const [duty, ...years] = await Promise.all([readDuty(), ...wanted.map(readCalendar)]);
  return { offsetMinutes: duty.utc_offset_minutes, years };
}
