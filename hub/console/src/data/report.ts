/** Matters that people report: what is sent, and the categories and grids to choose from. */
import { signal } from "@preact/signals";
import type { ReportBody } from "../logic/outbox";
import { request } from "./http";
import { type Category, keepCategories, keptCategories } from "./kept";
import type { Area, CaseSummary, Text } from "./types";

/** An open case that may be about the same matter. */
export interface Nearby {
  case: CaseSummary;
  distance_m?: number | null;
  because: Text;
}

/** What the hub answers to a report: the case that it opened, and open ones that may be the same matter. */
export interface Reported {
  case: CaseSummary;
  nearby: Nearby[];
}

/** The same key again opens no second case. */
export function sendReport(body: ReportBody, key: string): Promise<Reported> {
  return request("POST", "/cases", body, { key });
}

export async function loadAreas(): Promise<Area[]> {
  return (await request<{ items: Area[] }>("GET", "/areas")).items;
}

const OTHER: Category = { code: "other", name: { zh: "其他", en: "Other" } };

/** What people see with their own eyes, as the hub's catalogue has it; `other` is always there. */
export const reportable = signal<readonly Category[]>(keptCategories() ?? [OTHER]);

/** Asks for the categories; without a line those of the last time stay. */
export async function loadReportable(): Promise<void> {
  try {
    const { items } = await request<{ items: (Category & { public: boolean })[] }>("GET", "/catalogue");
    const found = items.filter((each) => each.public || each.code === OTHER.code);
    reportable.value = found.map(({ code, name }) => ({ code, name }));
    keepCategories(reportable.value);
  } catch {
    // The page works with what it has.
  }
}
