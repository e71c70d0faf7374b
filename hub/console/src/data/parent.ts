/** The parent hub above this one, where there is one, and how the link to it is. */
import { signal } from "@preact/signals";
import { request } from "./http";
import { onReload } from "./live";
import { session } from "./session";
import { onPhone } from "./tasks";
import type { Schemas } from "./types";

export type ParentLink = Schemas["ParentLink"];

/** The link; null when this hub has no parent, or none is known of yet. */
export const parentLink = signal<ParentLink | null>(null);

/** The hub tries its parent every 20 s to 30 s: asking more often would tell nothing new. */
const EVERY_MS = 30_000;
let timer: ReturnType<typeof setTimeout> | undefined;
let newest = 0;

/** Asks, and again and again while there is a parent: a hub gets one only by being started anew. */
export async function loadParent(): Promise<void> {
  newest += 1;
  const mine = newest;
  clearTimeout(timer);
  try {
    const { link } = await request<Schemas["ParentView"]>("GET", "/parent");
    if (mine !== newest) return;
    parentLink.value = link ?? null;
  } catch {
    // That the own hub does not answer is told by the strip; what it said last stays.
    if (mine !== newest) return;
  }
  if (parentLink.value !== null) timer = setTimeout(() => void loadParent(), EVERY_MS);
}

export function forgetParent(): void {
  newest += 1;
  clearTimeout(timer);
  parentLink.value = null;
}

// A phone and its handler can do nothing about it.
onReload(() => {
  if (!onPhone.peek() && session.peek().is === "signed-in") void loadParent();
});
