/** Sites with their addresses. They change seldom: loaded once per page and when events were skipped. */
import { signal } from "@preact/signals";
import { requestAll } from "./http";
import { keepSites, keptSites } from "./kept";
import { onReload } from "./live";
import type { Site } from "./types";

export const sites = signal<ReadonlyMap<string, Site>>(new Map());

export async function loadSites(): Promise<void> {
  try {
    const items = await requestAll<Site>("/sites");
    sites.value = new Map(items.map((site) => [site.id, site]));
    keepSites(items);
  } catch {
    if (sites.value.size === 0) sites.value = new Map(keptSites().map((site) => [site.id, site]));
    // Without the list the site's name from the case is shown, and the address is said to be missing.
  }
}

onReload(() => void loadSites());
