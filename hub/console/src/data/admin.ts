/**
 * What administrators look after: the directory, people, silences, channels, the catalogue, the calendar, the
 * audit. Nothing of it is live: a page asks when it is opened and after it has changed something.
 */
import { part } from "../logic/part";
import { ApiError, query, type RequestOptions, request, requestAll } from "./http";
import type { Schemas } from "./types";

export const TABLES: readonly Table[] = ["areas", "sites", "units", "duties", "hazards", "contacts"];
export type Table = Schemas["RowTable"];

/** A row as the hub sends it; which fields it has, `logic/directory.ts` says. */
export type Row = Record<string, unknown>;

export type Finding = Schemas["Finding"];

export type Changed = Schemas["Changed"];

const etag = (version: number) => `"${version}"`;

export const readTable = (table: Table) =>
  request<{ version: number; items: Row[] }>("GET", `/directory/${table}`);

export const writeRow = (table: Table, key: string, row: Row, version: number) =>
  request<Changed>("PUT", `/directory/${table}/${part(key)}`, row, { ifMatch: etag(version) });

export const removeRow = (table: Table, key: string, version: number) =>
  request<Changed>("DELETE", `/directory/${table}/${part(key)}`, undefined, {
    ifMatch: etag(version),
  });

/** What comes and goes as GeoJSON. */
export type Drawn = "outlines" | "risk-areas";

export const isDrawn = (table: Table | Drawn): table is Drawn =>
  table === "outlines" || table === "risk-areas";

/** Replaces a table, or everything drawn of a kind, by a file; `dryRun` only tells what would happen. */
export function importFile(
  table: Table | Drawn,
  file: Blob,
  version: number,
  dryRun: boolean,
): Promise<Changed> {
  const type = isDrawn(table) ? "application/json" : "text/csv";
  const options: RequestOptions = { ifMatch: etag(version), timeoutMs: 120_000 };
  return request(
    "PUT",
    `/directory/${table}${dryRun ? "?dry_run=true" : ""}`,
    new Blob([file], { type }),
    options,
  );
}

export const exportOf = (table: Table | Drawn) =>
  `/api/v1/directory/${table}${isDrawn(table) ? "" : "?format=csv"}`;

/** What is wrong with what was given, row by row; empty for any other failure. */
export function findingsOf(error: unknown): Finding[] {
  if (!(error instanceof ApiError)) return [];
  return Array.isArray(error.problem.findings) ? (error.problem.findings as Finding[]) : [];
}

export type Person = Schemas["UserView"];

export type Profile = Schemas["ProfileView"];

export const readPeople = () => requestAll<Person>("/users");

const person = (username: string) => `/users/${part(username)}`;

export const addPerson = (username: string, profile: Profile) =>
  request<Schemas["UserWithPassword"]>("POST", "/users", { username, ...profile });

export const editPerson = (username: string, profile: Profile, version: number) =>
  request<Person>("PUT", person(username), profile, { ifMatch: etag(version) });

export const switchPerson = (username: string, on: boolean) =>
  request<Person>("POST", `${person(username)}/${on ? "enable" : "disable"}`);

/** The hub makes a password; it is shown once. */
export const newPassword = (username: string) =>
  request<Schemas["UserWithPassword"]>("PUT", `${person(username)}/password`, {});

export type Silence = Schemas["SilenceView"];

export const readSilences = () => request<Schemas["SilencePage"]>("GET", "/silences");
export const makeSilence = (wanted: Schemas["Wanted"]) => request<Silence>("POST", "/silences", wanted);
export const endSilence = (id: number, version: number) =>
  request<Silence>("DELETE", `/silences/${id}${query({ version })}`);

export type Channel = Schemas["ChannelView"];

export type DeadLetter = Schemas["NotificationView"];

export type TestOutcome = Schemas["TestOutcome"];

export const readChannels = () => request<Schemas["ChannelList"]>("GET", "/notifications/channels");
export const readDeadLetters = () =>
  request<Schemas["NotificationList"]>("GET", `/notifications${query({ state: "dead", limit: 100 })}`);
export const retryLetter = (id: string) => request<void>("POST", `/notifications/${part(id)}/retry`);
/** A provider may take its time. */
export const testChannel = (name: string) =>
  request<Schemas["TestList"]>("POST", `/notifications/channels/${part(name)}/test`, undefined, {
    timeoutMs: 60_000,
  });

export type Limit = Schemas["Limit"];

export type Category = Schemas["CategoryView"];

export type CalendarYear = Schemas["CalendarView"];

export const readCatalogue = () => request<Schemas["CatalogueView"]>("GET", "/catalogue");
export const readCalendar = (year: number) => request<CalendarYear>("GET", `/calendar${query({ year })}`);
export const readCalendarWarnings = () => request<Schemas["WarningList"]>("GET", "/calendar/warnings");

export type AuditLine = Schemas["AuditView"];

export interface AuditWanted {
  chain: "audit" | "cases";
  actor: string;
  action: string;
  subject: string;
  from: string;
  to: string;
}

export const readAudit = (wanted: AuditWanted, after?: string) =>
  request<Schemas["AuditPage"]>("GET", `/audit${query({ ...wanted, after })}`);
export const auditExport = (wanted: AuditWanted) => `/api/v1/audit.csv${query({ ...wanted })}`;
