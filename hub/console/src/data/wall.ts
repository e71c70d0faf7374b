/**
 * The figures of today for the command centre's wall: asked for at every change, at most every two
 * seconds, and every quarter of a minute anyhow. Goes on asking for ever: nobody is there to press a key.
 */
import { signal } from "@preact/signals";
import { afterCaseEvent } from "./cases";
import { request } from "./http";
import { onReload } from "./live";
import type { Schemas } from "./types";

/** A rate against its target, both in [0, 1]. */
export type Rate = Schemas["Against"];

export type Today = Schemas["Today"];

export const today = signal<Today | null>(null);
/** Whether the last question got no answer: the figures are those of `today.made_at`. */
export const todayStale = signal(false);

async function read(): Promise<void> {
  try {
    today.value = await request<Today>("GET", "/statistics/today");
    todayStale.value = false;
  } catch {
    todayStale.value = true;
  }
}

const EVERY_MS = 15_000;
const SETTLE_MS = 2000;

/** Follows the figures until the returned function is called. */
export function followToday(): () => void {
  let due: ReturnType<typeof setTimeout> | undefined;
  const soon = () => {
    // Not put off by the next event: a storm must not hold the figures still.
    due ??= setTimeout(() => {
      due = undefined;
      void read();
    }, SETTLE_MS);
  };
  const ends = [afterCaseEvent(soon), onReload(() => void read())];
  const timer = setInterval(() => void read(), EVERY_MS);
  void read();
  return () => {
    for (const end of ends) end();
    clearTimeout(due);
    clearInterval(timer);
  };
}

/** Whether the hub serves another build of the console than the one that runs here. */
export async function isOutdated(): Promise<boolean> {
  const mine = document.querySelector<HTMLScriptElement>('script[type="module"]')?.src;
  if (mine === undefined) return false;
  try {
    const answer = await fetch("/", { cache: "no-store", headers: { Accept: "text/html" } });
    return answer.ok && !(await answer.text()).includes(new URL(mine).pathname);
  } catch {
    return false;
  }
}
