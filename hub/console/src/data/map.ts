/**
 * What is where: grids with their outlines, sites, hazard points, each with its worst open case. Loaded by
 * the map page, and again at most every two seconds while cases change.
 */
import { signal } from "@preact/signals";
import type { Outline } from "../logic/map";
import { afterCaseEvent } from "./cases";
import { query, request } from "./http";
import { onGatewayEvent, onReload } from "./live";
import type { GatewayStatus, Severity, Text } from "./types";

export interface MapGrid {
  code: string;
  name: Text;
  /** GeoJSON geometry, WGS 84; none for a grid that nobody has drawn. */
  outline?: Outline | null;
  worst: Severity | null;
  open_cases: number;
}

export interface MapSite {
  id: string;
  name: Text;
  lat: number;
  lon: number;
  worst: Severity | null;
  open_cases: number;
  /** The worst state of its gateways; null when it has none. */
  gateway: GatewayStatus["state"] | null;
}

export interface MapHazard {
  code: string;
  name: Text;
  category: string;
  lat: number;
  lon: number;
}

/** Whom to call about a place. */
export interface Contact {
  order: number;
  name: string;
  duty: string;
  phone: string;
}

export interface MapData {
  grids: MapGrid[];
  sites: MapSite[];
  hazards: MapHazard[];
}

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
  return (await request<{ items: Contact[] }>("GET", `/contacts${query({ place_kind: kind, place })}`)).items;
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
