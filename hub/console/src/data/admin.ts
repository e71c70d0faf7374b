/**
 * What administrators look after: the directory, people, rosters, silences, channels, the catalogue, the
 * audit. Nothing of it is live: a page asks when it is opened and after it has changed something.
 */
import { ApiError, query, type RequestOptions, request, requestAll } from "./http";
import type { Role, Severity, Text } from "./types";

export const TABLES = ["areas", "sites", "units", "duties", "hazards", "contacts"] as const;
export type Table = (typeof TABLES)[number];

/** A row as the hub sends it; which fields it has, `logic/directory.ts` says. */
export type Row = Record<string, unknown>;

export interface Finding {
  gravity: "error" | "warning";
  table: string;
  row?: number;
  key?: string;
  message: string;
  remedy: string;
}

export interface Changed {
  version: number;
  dry_run: boolean;
  changes: { table: string; added: number; changed: number; removed: number }[];
  warnings: Finding[];
}

const etag = (version: number) => `"${version}"`;

export const readTable = (table: Table) =>
  request<{ version: number; items: Row[] }>("GET", `/directory/${table}`);

export const writeRow = (table: Table, key: string, row: Row, version: number) =>
  request<Changed>("PUT", `/directory/${table}/${encodeURIComponent(key)}`, row, { ifMatch: etag(version) });

export const removeRow = (table: Table, key: string, version: number) =>
  request<Changed>("DELETE", `/directory/${table}/${encodeURIComponent(key)}`, undefined, {
    ifMatch: etag(version),
  });

/** Replaces a table, or all outlines, by a file; `dryRun` only tells what would happen. */
export function importFile(
  table: Table | "outlines",
  file: Blob,
  version: number,
  dryRun: boolean,
): Promise<Changed> {
  const type = table === "outlines" ? "application/json" : "text/csv";
  const options: RequestOptions = { ifMatch: etag(version), timeoutMs: 120_000 };
  return request(
    "PUT",
    `/directory/${table}${dryRun ? "?dry_run=true" : ""}`,
    new Blob([file], { type }),
    options,
  );
}

export const exportOf = (table: Table | "outlines") =>
  `/api/v1/directory/${table}${table === "outlines" ? "" : "?format=csv"}`;

/** What is wrong with what was given, row by row; empty for any other failure. */
export function findingsOf(error: unknown): Finding[] {
  if (!(error instanceof ApiError)) return [];
  return Array.isArray(error.problem.findings) ? (error.problem.findings as Finding[]) : [];
}

export interface Person {
  username: string;
  display_name: string;
  role: Role;
  unit?: string;
  area?: string;
  phone?: string;
  email?: string;
  language?: string;
  disabled_at?: string;
  version: number;
}

export type Profile = Omit<Person, "username" | "disabled_at" | "version" | "created_at">;

export const readPeople = () => requestAll<Person>("/users");

const person = (username: string) => `/users/${encodeURIComponent(username)}`;

export const addPerson = (username: string, profile: Profile) =>
  request<{ password?: string }>("POST", "/users", { username, ...profile });

export const editPerson = (username: string, profile: Profile, version: number) =>
  request<Person>("PUT", person(username), profile, { ifMatch: etag(version) });

export const switchPerson = (username: string, on: boolean) =>
  request<Person>("POST", `${person(username)}/${on ? "enable" : "disable"}`);

/** The hub makes a password; it is shown once. */
export const newPassword = (username: string) =>
  request<{ password?: string }>("PUT", `${person(username)}/password`, {});

export interface Crew {
  officers: string[];
  shift_leader?: string | null;
}

export interface RosterShift {
  name: string;
  from: string;
  until: string;
  days?: string;
  first_day: string;
  turn_days?: number;
  crew: Crew[];
}

export interface Roster {
  area: string;
  leader?: string | null;
  shift: RosterShift[];
  substitution?: { of: string; by: string; from: string; until: string; note?: string | null }[];
  absence?: { who: string; from: string; until: string; note?: string | null }[];
}

export interface RosterView {
  area_name: Text;
  version: number;
  updated_at: string;
  updated_by: string;
  editable: boolean;
  roster: Roster;
}

export const readRoster = (area: string) =>
  request<RosterView>("GET", `/rosters/${encodeURIComponent(area)}`);
export const writeRoster = (roster: Roster, version: number) =>
  request<RosterView>("PUT", `/rosters/${encodeURIComponent(roster.area)}`, { version, roster });

export interface Silence {
  id: number;
  version: number;
  by_name: string;
  why: string;
  matcher: { area?: string; site?: string; device?: string; category?: string; kind?: string };
  from: string;
  until: string;
  weekly: { day: string; from: string; until: string }[];
  state: string;
  active_until?: string;
  ends_soon: boolean;
  hides: number;
}

export const readSilences = () => request<{ items: Silence[] }>("GET", "/silences");
export const makeSilence = (
  wanted: Pick<Silence, "why" | "matcher" | "until" | "weekly"> & { from?: string },
) => request<Silence>("POST", "/silences", wanted);
export const endSilence = (id: number, version: number) =>
  request<Silence>("DELETE", `/silences/${id}${query({ version })}`);

export interface Channel {
  name: string;
  kind: string;
  recipients: string[];
  quota: { count: number; per_ms: number; reserved: number; used: number }[];
  waiting: number;
  dead: number;
  paused_until?: string;
}

export interface DeadLetter {
  id: string;
  channel: string;
  recipient?: string;
  number: string;
  change: string;
  created_at: string;
  error?: string;
  answer?: string;
}

export interface TestOutcome {
  recipient: string;
  outcome: "delivered" | "later" | "failed" | "refused";
  error?: string;
  answer?: string;
}

export const readChannels = () => request<{ items: Channel[] }>("GET", "/notifications/channels");
export const readDeadLetters = () =>
  request<{ items: DeadLetter[] }>("GET", `/notifications${query({ state: "dead", limit: 100 })}`);
export const retryLetter = (id: string) =>
  request<void>("POST", `/notifications/${encodeURIComponent(id)}/retry`);
/** A provider may take its time. */
export const testChannel = (name: string) =>
  request<{ items: TestOutcome[] }>(
    "POST",
    `/notifications/channels/${encodeURIComponent(name)}/test`,
    undefined,
    { timeoutMs: 60_000 },
  );

export interface Limit {
  amount: number;
  clock: string;
}

export interface Category {
  code: string;
  name: Text;
  severity: Severity;
  standard_ref: string;
  mode?: string;
  unit_kind?: string;
  public: boolean;
  life_safety: boolean;
  filing: { code: string; name: Text }[];
  closing: { code: string; name: Text }[];
  limits: Record<"acknowledge" | "file" | "dispatch" | "disposal" | "check", Limit>;
}

export interface CalendarYear {
  version: string;
  year: number;
  known: boolean;
  notice: string;
  week: string[][];
  days: Record<string, string[]>;
}

export const readCatalogue = () => request<{ version: string; items: Category[] }>("GET", "/catalogue");
export const readCalendar = (year: number) => request<CalendarYear>("GET", `/calendar${query({ year })}`);
export const readCalendarWarnings = () =>
  request<{ items: { code: string; year: number; detail: Text }[] }>("GET", "/calendar/warnings");

export interface AuditLine {
  link: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  address: string;
  case?: number | null;
}

export interface AuditWanted {
  chain: "audit" | "cases";
  actor: string;
  action: string;
  subject: string;
  from: string;
  to: string;
}

export const readAudit = (wanted: AuditWanted, after?: string) =>
  request<{ items: AuditLine[]; next: string | null }>("GET", `/audit${query({ ...wanted, after })}`);
export const auditExport = (wanted: AuditWanted) => `/api/v1/audit.csv${query({ ...wanted })}`;
