/**
 * The desks: who is on duty, what is missing there, and taking a shift over. Live: the hub says when
 * something at a desk has changed, and the desks are asked for again.
 */
import { computed, signal } from "@preact/signals";
import { query, request } from "./http";
import { onDeskEvent, onReload } from "./live";
import { onPhone } from "./tasks";
import type { Schemas } from "./types";

export type Takeover = Schemas["TakeoverView"];
export type Missing = Schemas["MissingView"];
export type Desk = Schemas["DeskView"];

/** All desks that are seen; null until they have been asked for. */
export const desks = signal<readonly Desk[] | null>(null);
export const desksError = signal<unknown>(null);

/** What is missing at any desk now, the most urgent first. */
export const missingAtDesks = computed(() =>
  (desks.value ?? [])
    .flatMap((desk) => desk.missing.map((missing) => ({ desk, missing })))
    .sort((a, b) => a.missing.severity.localeCompare(b.missing.severity)),
);

export const readDuty = () => request<Schemas["DutyList"]>("GET", "/duty");

let newest = 0;

export async function loadDesks(): Promise<void> {
  newest += 1;
  const mine = newest;
  try {
    const { items } = await readDuty();
    if (mine !== newest) return;
    desks.value = items;
    desksError.value = null;
  } catch (error) {
    if (mine === newest) desksError.value = error;
  }
}

export function forgetDesks(): void {
  newest += 1;
  desks.value = null;
  desksError.value = null;
}

export const takeOver = (area: string, note: string) =>
  request<Takeover>("POST", "/duty/takeover", { area, note });

export const readTakeovers = (area: string, after?: string) =>
  request<{ items: Takeover[]; next?: string | null }>("GET", `/duty/takeovers${query({ area, after })}`);

/** Several things change at a desk at once when a shift begins. */
const SETTLE_MS = 500;
let timer: ReturnType<typeof setTimeout> | undefined;

onDeskEvent(() => {
  if (onPhone.peek()) return;
  clearTimeout(timer);
  timer = setTimeout(() => void loadDesks(), SETTLE_MS);
});
// Nobody with a phone stands at a desk.
onReload(() => {
  if (!onPhone.peek()) void loadDesks();
});
