/**
 * The hub's clock as this browser sees it. Every clock on the screen counts by it, so a workstation
 * with a wrong clock shows the right time left.
 */
import { signal } from "@preact/signals";

let offsetMs = 0;

/** The hub's time in milliseconds since 1970, moved on once a second. */
export const now = signal(Date.now());

/** Takes the hub's time from a message that has just come in. */
export function setHubTime(hubTime: string): void {
  const hub = Date.parse(hubTime);
  if (Number.isNaN(hub)) return;
  offsetMs = hub - Date.now();
  now.value = hub;
}

/** The hub's time at this moment. */
export function hubNow(): number {
  return Date.now() + offsetMs;
}

setInterval(() => {
  now.value = hubNow();
}, 1000);
