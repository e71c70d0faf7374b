/** Rosters that somebody has begun to change, kept while they look at another page of the console. */
import { signal } from "@preact/signals";
import type { Schemas } from "./types";

/** A roster that is being changed. */
export interface RosterDraft {
  /** The version that it was made from; 0 for an area without one. */
  version: number;
  /** As it was then. */
  before: Schemas["Roster"];
  roster: Schemas["Roster"];
}

/** By area. In memory only: whoever goes to add a missing person finds it again. */
export const rosterDrafts = signal<ReadonlyMap<string, RosterDraft>>(new Map());

export function keepRosterDraft(draft: RosterDraft): void {
  rosterDrafts.value = new Map(rosterDrafts.value).set(draft.roster.area, draft);
}

export function dropRosterDraft(area: string): void {
  const next = new Map(rosterDrafts.value);
  next.delete(area);
  rosterDrafts.value = next;
}

/** Nobody else finds what this person has typed. */
export function forgetRosterDrafts(): void {
  rosterDrafts.value = new Map();
}
