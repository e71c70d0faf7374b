/** Tells the hub that this console is there, and whether it would be heard. */
import { newKey } from "../logic/key";
import { request } from "./http";

/** The hub reports a desk whose consoles it has not heard of for a minute: three chances. */
const EVERY_MS = 20_000;
const name = newKey();

let timer: ReturnType<typeof setInterval> | undefined;
let armed = false;

async function tell(): Promise<void> {
  const visible = document.visibilityState === "visible";
  try {
    await request<void>("POST", "/duty/console", { console: name, armed, visible });
  } catch {
    // The link's own state is shown; the hub finds the console missing by itself.
  }
}

/** Tells at once and every 20 s from now on; a change of `nowArmed` is told at once. */
export function tellConsole(nowArmed: boolean): void {
  const same = timer !== undefined && armed === nowArmed;
  armed = nowArmed;
  timer ??= setInterval(() => void tell(), EVERY_MS);
  if (!same) void tell();
}

/** Stops telling, when nobody is signed in. */
export function forgetConsole(): void {
  clearInterval(timer);
  timer = undefined;
}

document.addEventListener("visibilitychange", () => {
  if (timer !== undefined) void tell();
});
