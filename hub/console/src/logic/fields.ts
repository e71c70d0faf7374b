/** From what is filled in to what an action is sent. Pure. */
import type { ActionField, Details, Evidence } from "../data/types";

/** What is filled into a field: a text, the chosen ones, or evidence. */
export type Filled = string | string[] | Evidence[];

/** Numbers on the wire although they are chosen or typed as text. */
const NUMBERS: ReadonlySet<string> = new Set(["score", "call", "case"]);

/** What a form begins with: what the hub suggests, where the field must be filled in. */
export function blank(fields: readonly ActionField[]): Record<string, Filled> {
  return Object.fromEntries(
    fields.map((field) => {
      if (field.kind === "many_of" || field.kind === "evidence") return [field.name, []];
      return [field.name, field.kind === "one_of" ? (field.suggested ?? "") : ""];
    }),
  );
}

function isEmpty(value: Filled | undefined): boolean {
  return value === undefined || value.length === 0 || (typeof value === "string" && value.trim() === "");
}

/** Names of the fields that are required and empty, or that cannot be read. */
export function lackingFields(
  fields: readonly ActionField[],
  values: Readonly<Record<string, Filled>>,
): string[] {
  return fields
    .filter((field) => {
      const value = values[field.name];
      if (isEmpty(value)) return field.required;
      if (field.kind === "time") return Number.isNaN(Date.parse(String(value)));
      return NUMBERS.has(field.name) && !Number.isSafeInteger(Number(value));
    })
    .map((field) => field.name);
}

/** What is sent; empty fields are left out. */
export function detailsOf(fields: readonly ActionField[], values: Readonly<Record<string, Filled>>): Details {
  const details: Details = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined || isEmpty(value)) continue;
    if (field.kind === "yes_no") details[field.name] = value === "true";
    else if (field.kind === "time") details[field.name] = new Date(String(value)).toISOString();
    else if (NUMBERS.has(field.name)) details[field.name] = Number(value);
    else details[field.name] = typeof value === "string" ? value.trim() : value;
  }
  return details;
}
