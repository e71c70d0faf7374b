/**
 * Where the officer is, kept in the address so that a reload loses nothing. The hub answers every
 * unknown path with the console.
 */
import { computed, signal } from "@preact/signals";
import { routeOf } from "./paths";

const here = signal(new URL(location.href));

export const route = computed(() => routeOf(here.value.pathname));
export const parameters = computed(() => here.value.searchParams);

window.addEventListener("popstate", () => {
  here.value = new URL(location.href);
});

/** Goes to a path of the console; the browser's back button comes back. */
export function go(path: string): void {
  history.pushState(null, "", path);
  here.value = new URL(location.href);
  window.scrollTo(0, 0);
}

/** Changes parameters of the present page without a new entry in the history. */
export function setParameters(changes: Record<string, string | null>): void {
  const next = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  history.replaceState(null, "", next);
  here.value = next;
}
