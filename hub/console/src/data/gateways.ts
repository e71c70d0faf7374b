/** Gateways, their devices and the messages that nobody understood. */

import { signal } from "@preact/signals";
import { part } from "../logic/part";
import { query, request, requestAll } from "./http";
import { onGatewayEvent, onReload } from "./live";
import type {
  Commissionings,
  DeviceStatus,
  GatewayStatus,
  ModelList,
  ProfileSkeleton,
  QuarantineSample,
} from "./types";

/** All gateways by id, live; null until they have been asked for. */
export const gateways = signal<ReadonlyMap<string, GatewayStatus> | null>(null);
export const gatewaysError = signal<unknown>(null);

let meanwhile: GatewayStatus[] | null = null;

/** Loads all gateways; events that come in while loading are newer and win. */
export async function loadGateways(): Promise<void> {
  const heard: GatewayStatus[] = [];
  meanwhile = heard;
  try {
    const items = await requestAll<GatewayStatus>("/gateways");
    gateways.value = new Map([...items, ...heard].map((gateway) => [gateway.id, gateway]));
    gatewaysError.value = null;
  } catch (error) {
    gatewaysError.value = error;
  } finally {
    if (meanwhile === heard) meanwhile = null;
  }
}

onGatewayEvent(({ gateway }) => {
  meanwhile?.push(gateway);
  if (gateways.value === null) return;
  gateways.value = new Map(gateways.value).set(gateway.id, gateway);
});
// Only what a page has asked for is loaded again.
onReload(() => {
  if (gateways.value !== null) void loadGateways();
});

export function forgetGateways(): void {
  gateways.value = null;
}

export function loadDevices(gateway: string): Promise<DeviceStatus[]> {
  return requestAll(`/gateways/${part(gateway)}/devices`);
}

export function loadQuarantine(gateway: string): Promise<QuarantineSample[]> {
  return requestAll(`/gateways/${part(gateway)}/quarantine`);
}

export function loadModels(gateway: string): Promise<ModelList> {
  return request("GET", `/gateways/${part(gateway)}/models`);
}

export function loadCommissionings(gateway: string): Promise<Commissionings> {
  return request("GET", `/gateways/${part(gateway)}/commissionings`);
}

export interface UnassignedSite {
  id: string;
  gateways: string[];
  open_cases: number;
}

export interface UnassignedDevice {
  gateway: string;
  device: string;
  site: string;
  open_cases: number;
}

export interface Unassigned {
  sites: UnassignedSite[];
  devices: UnassignedDevice[];
  /** More devices than these. */
  next?: string | null;
}

/** The first page is enough to see that there is something to do. */
export function loadUnassigned(): Promise<Unassigned> {
  return request("GET", `/directory/unassigned${query({ limit: 100 })}`);
}

export function loadProfile(gateway: string, source: string): Promise<ProfileSkeleton> {
  return request("GET", `/gateways/${part(gateway)}/quarantine/profile${query({ source })}`);
}
