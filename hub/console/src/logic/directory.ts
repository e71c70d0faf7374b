/** The columns of the directory's tables: what an editor asks for, and how a row is put together. Pure. */
import type { Row, Table } from "../data/admin";

export interface Column {
  /** Where in the row, such as `name.zh`. */
  path: string;
  kind: "text" | "number" | "choice";
  /** May stay empty. */
  optional?: boolean;
  /** Part of the row's key: fixed once the row is there. */
  key?: boolean;
  choices?: readonly string[];
}

const LEVELS = ["city", "district", "street", "community", "grid"] as const;
const DATUMS = ["wgs84", "gcj02", "converted"] as const;

const text = (path: string, more: Partial<Column> = {}): Column => ({ path, kind: "text", ...more });
const number = (path: string): Column => ({ path, kind: "number" });
const names = [text("name.zh"), text("name.en")];
const position = [number("lat"), number("lon"), { path: "datum", kind: "choice", choices: DATUMS } as Column];

export const COLUMNS: Record<Table, readonly Column[]> = {
  areas: [
    text("code", { key: true }),
    text("parent", { optional: true }),
    { path: "level", kind: "choice", choices: LEVELS },
    ...names,
  ],
  sites: [
    text("id", { key: true }),
    ...names,
    text("grid"),
    text("address.zh"),
    text("address.en"),
    text("building_code", { optional: true }),
    ...position,
  ],
  units: [
    text("code", { key: true }),
    ...names,
    text("kind"),
    text("area"),
    text("phone", { optional: true }),
  ],
  duties: [text("area", { key: true }), text("category", { key: true }), text("unit")],
  hazards: [text("code", { key: true }), text("category"), ...names, text("grid"), ...position],
  contacts: [
    { path: "place_kind", kind: "choice", choices: ["site", "hazard"], key: true },
    text("place", { key: true }),
    { path: "order", kind: "number", key: true },
    text("name"),
    text("duty"),
    text("phone"),
  ],
};

export type Filled = Record<string, string>;

/** What stands in a row at a path; empty for what is not there. */
export function valueAt(row: Row, path: string): string {
  let at: unknown = row;
  for (const step of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return "";
    at = (at as Row)[step];
  }
  return at === null || at === undefined ? "" : String(at);
}

export function filledFrom(table: Table, row: Row | null): Filled {
  const filled: Filled = {};
  for (const { path, choices } of COLUMNS[table]) {
    filled[path] = row === null ? (choices?.[0] ?? "") : valueAt(row, path);
  }
  return filled;
}

/** Paths that still need a value, or a number that is one. */
export function lackingIn(table: Table, filled: Filled): string[] {
  const lacks = ({ path, optional, kind }: Column) => {
    const given = (filled[path] ?? "").trim();
    if (given === "") return optional !== true;
    return kind === "number" && !Number.isFinite(Number(given));
  };
  return COLUMNS[table].filter(lacks).map(({ path }) => path);
}

/** The row that was filled in; an optional field that was left empty is null. */
export function rowOf(table: Table, filled: Filled): Row {
  const row: Row = {};
  for (const { path, kind, optional } of COLUMNS[table]) {
    const given = (filled[path] ?? "").trim();
    const value = given === "" && optional === true ? null : kind === "number" ? Number(given) : given;
    const [first = "", second] = path.split(".");
    if (second === undefined) row[first] = value;
    else row[first] = { ...((row[first] as Row | undefined) ?? {}), [second]: value };
  }
  return row;
}

/** The key of a row in its address. */
export function keyOf(table: Table, row: Row): string {
  const keys = COLUMNS[table].filter(({ key }) => key === true);
  return keys.map(({ path }) => valueAt(row, path)).join(":");
}
