/** Which groups of the board stand open in this window; kept over a reload, gone with the window. */
import { signal } from "@preact/signals";

const KEY = "gridwatch.groups";
/** Groups come and go all night; only the last ones that were opened are remembered. */
const KEPT_MAX = 100;

function stored(): string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

export const openGroups = signal<ReadonlySet<string>>(new Set(stored()));

function keep(keys: readonly string[]): void {
  openGroups.value = new Set(keys);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(keys));
  } catch {
    // Without storage a reload closes them, and nothing else is lost.
  }
}

export function setGroupOpen(key: string, open: boolean): void {
  const others = [...openGroups.peek()].filter((each) => each !== key);
  keep(open ? [...others, key].slice(-KEPT_MAX) : others);
}

/** What one officer looked at is not the next one's to see. */
export function forgetGroups(): void {
  keep([]);
}
