/** Matters that people report: what is sent, and the categories and grids to choose from. */
import { signal } from "@preact/signals";
import type { ReportBody } from "../logic/outbox";
import { request } from "./http";
import { type Category, keepCategories, keptCategories } from "./kept";
import type { Area, Schemas } from "./types";

/** An open case that may be about the same matter. */
export type Nearby = Schemas["NearbyCase"];

/** What the hub answers to a report: the case that it opened, and open ones that may be the same matter. */
export type Reported = Schemas["ReportAnswer"];

/** The same key again opens no second case. */
export function sendReport(body: ReportBody, key: string): Promise<Reported> {
  return request("POST", "/cases", body, { key });
}

export async function loadAreas(): Promise<Area[]> {
  return (await request<Schemas["AreaList"]>("GET", "/areas")).items;
}

const OTHER: Category = { code: "other", name: { zh: "其他", en: "Other" } };

/** What people see with their own eyes, as the hub's catalogue has it; `other` is always there. */
export const reportable = signal<readonly Category[]>(keptCategories() ?? [OTHER]);

/** Asks for the categories; without a line those of the last time stay. */
export async function loadReportable(): Promise<void> {
  try {
    const { items } = await request<Schemas["CatalogueView"]>("GET", "/catalogue");
    const found = items.filter((each) => each.public || each.code === OTHER.code);
    reportable.value = found.map(({ code, name }) => ({ code, name }));
    keepCategories(reportable.value);
  } catch {
    // The page works with what it has.
  }
}
