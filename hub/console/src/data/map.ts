/**
 * What is where: grids with their outlines, sites, hazard points, each with its worst open case. Loaded by
 * the map page, and again at most every two seconds while cases change.
 */
import { signal } from "@preact/signals";
import type { Outline } from "../logic/map";
import { afterCaseEvent } from "./cases";
import { query, request } from "./http";
import { onGatewayEvent, onReload } from "./live";
import type { Schemas } from "./types";

/** By hand: the description leaves the GeoJSON of an outline open. */
export type MapGrid = Omit<Schemas["MapGrid"], "outline"> & { outline?: Outline | null };

export type MapSite = Schemas["MapSite"];

export type MapHazard = Schemas["Hazard"];

/** Whom to call about a place. */
export type Contact = Schemas["Contact"];

export type MapData = Omit<Schemas["Map"], "grids"> & { grids: MapGrid[] };

export const mapData = signal<MapData | null>(null);
export const mapError = signal<unknown>(null);

export async function loadMap(): Promise<void> {
  try {
    mapData.value = await request<MapData>("GET", "/map");
    mapError.value = null;
  } catch (error) {
    mapError.value = error;
  }
}

/** Whom to call, the first first. Every look is a line of the audit: only on request. */
export async function loadContacts(kind: "site" | "hazard", place: string): Promise<Contact[]> {
  return (await request<Schemas["ContactList"]>("GET", `/contacts${query({ place_kind: kind, place })}`))
    .items;
}

const SETTLE_MS = 2000;

/** Follows what is where until the returned function is called. */
export function followMap(): () => void {
  let due: ReturnType<typeof setTimeout> | undefined;
  const soon = () => {
    // Not put off by the next event: a storm must not hold the map still.
    due ??= setTimeout(() => {
      due = undefined;
      void loadMap();
    }, SETTLE_MS);
  };
  const ends = [afterCaseEvent(soon), onGatewayEvent(soon), onReload(() => void loadMap())];
  void loadMap();
  return () => {
    for (const end of ends) end();
    clearTimeout(due);
  };
}
