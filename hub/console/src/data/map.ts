/**
 * What is where: grids with their outlines, sites, hazard points, each with its worst open case. Loaded by
 * the map page, and again at most every two seconds while cases change.
 */
import { signal } from "@preact/signals";
import type { Outline } from "../logic/map";
import { afterCaseEvent } from "./cases";
import { request } from "./http";
import { onGatewayEvent, onReload } from "./live";
import type { GatewayStatus, Severity, Text } from "./types";

export interface MapGrid {
  code: string;
  name: Text;
  /** GeoJSON geometry, WGS 84; null for a grid that nobody has drawn. */
  outline: Outline | null;
  worst: Severity | null;
  open: number;
}

export interface MapSite {
  id: string;
  name: Text;
  lat: number;
  lon: number;
  worst: Severity | null;
  open: number;
  gateway_state?: GatewayStatus["state"] | null;
}

export interface MapHazard {
  id: string;
  name: Text;
  category: string;
  lat: number;
  lon: number;
  contacts: { name: string; phone?: string | null }[];
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
