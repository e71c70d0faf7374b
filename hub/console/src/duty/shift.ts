/**
 * The officer's shift at this browser: whether sound is armed, whether it rings now, and what is muted.
 * The shift lasts over a reload of the page; the browser's permission to sound does not, and the
 * officer is told so.
 */
import { computed, effect, signal } from "@preact/signals";
import { afterCaseEvent, openCases } from "../data/cases";
import { mustSound, ringing, stillMuted } from "../logic/ring";
import { arm, audio, playP1, playSingle } from "./sound";

const KEY = "gridwatch.shift";

function stored(): boolean {
  try {
    return sessionStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

export const onShift = signal(stored());
const muted = signal<ReadonlySet<number>>(new Set());

/** P1 cases that nobody has acknowledged. */
export const ringingCases = computed(() => ringing(openCases.value.values()));
export const sounding = computed(() => mustSound(ringingCases.value, muted.value));
export const isMuted = computed(() => ringingCases.value.size > 0 && !sounding.value);

export type SoundWarning = "not-armed" | "rearm" | "broken" | null;

/** Why a new P1 would not be heard here; null when it would. */
export const soundWarning = computed<SoundWarning>(() => {
  if (audio.value === "broken") return "broken";
  if (!onShift.value) return "not-armed";
  return audio.value === "ready" ? null : "rearm";
});

function keep(on: boolean): void {
  onShift.value = on;
  try {
    if (on) sessionStorage.setItem(KEY, "on");
    else sessionStorage.removeItem(KEY);
  } catch {
    // Without storage the shift ends with a reload; the warning shows it.
  }
}

export async function startShift(): Promise<void> {
  keep(true);
  if (await arm()) playSingle();
}

export function endShift(): void {
  keep(false);
  muted.value = new Set();
}

export async function testTone(): Promise<void> {
  if (await arm()) playSingle();
}

/** Silences what rings now; the next P1 rings again. */
export function muteUntilNext(): void {
  muted.value = new Set(ringingCases.value);
}

/** From one pattern's beginning to the next one's: time to think and to speak in between. */
const REPEAT_MS = 4000;
let repeat: ReturnType<typeof setInterval> | undefined;

function ring(on: boolean): void {
  if (on === (repeat !== undefined)) return;
  clearInterval(repeat);
  repeat = undefined;
  if (!on) return;
  playP1();
  repeat = setInterval(playP1, REPEAT_MS);
}

/** Begins to follow the cases; once per page. */
export function followShift(): void {
  effect(() => ring(onShift.value && audio.value === "ready" && sounding.value));
  effect(() => {
    const left = stillMuted(ringingCases.value, muted.peek());
    if (left.size !== muted.peek().size) muted.value = left;
  });
  afterCaseEvent(({ change, case: found }) => {
    const once = found.severity === "P2" && !found.is_drill;
    if (change === "opened" && once && onShift.value && audio.value === "ready" && !sounding.value)
      playSingle();
  });
  const rearm = () => {
    if (onShift.value && audio.value !== "ready") void arm();
  };
  window.addEventListener("pointerdown", rearm);
  window.addEventListener("keydown", rearm);
}
